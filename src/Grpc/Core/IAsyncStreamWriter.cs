namespace Grpc.Core;

/// <summary>Messages to the peer. One write at a time.</summary>
public interface IAsyncStreamWriter<in T>
{
    /// <summary>For the messages from now on; null means no flags.</summary>
    WriteOptions? WriteOptions { get; set; }

    /// <summary>Completes when the transport has taken the message: awaiting it is the flow control.</summary>
    Task WriteAsync(T message);

    /// <summary>As the other overload; a cancelled write cancels the call, whose framing would be torn.</summary>
    Task WriteAsync(T message, CancellationToken cancellationToken)
    {
        return cancellationToken.CanBeCanceled
            ? throw new NotSupportedException("Cancellation of a single write is not supported by this stream.")
            : WriteAsync(message);
    }
}
