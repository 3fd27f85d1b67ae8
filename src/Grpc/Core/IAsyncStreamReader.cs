namespace Grpc.Core;

/// <summary>Messages as they arrive. One <see cref="MoveNext"/> at a time.</summary>
public interface IAsyncStreamReader<out T>
{
    /// <summary>The message of the last successful <see cref="MoveNext"/>.</summary>
    T Current { get; }

    /// <summary>Waits for a message; false after the last one (on a client: of a call that succeeded).</summary>
    /// <exception cref="RpcException">The call failed.</exception>
    Task<bool> MoveNext(CancellationToken cancellationToken);
}
