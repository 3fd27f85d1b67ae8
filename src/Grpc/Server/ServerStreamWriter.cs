using Grpc.Core;

namespace Grpc.Server;

/// <summary>The responses of a server-streaming or duplex call.</summary>
internal sealed class ServerStreamWriter<T>(ServerCall call, Marshaller<T> marshaller) : IServerStreamWriter<T>
    where T : class
{
    public WriteOptions? WriteOptions
    {
        get => call.WriteOptions;
        set => call.WriteOptions = value;
    }

    public Task WriteAsync(T message) => WriteAsync(message, CancellationToken.None);

    public Task WriteAsync(T message, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(message);
        return cancellationToken.CanBeCanceled && cancellationToken != call.CancellationToken
            ? WriteLinked(message, cancellationToken)
            : WriteUntil(message, call.CancellationToken);
    }

    private async Task WriteLinked(T message, CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, call.CancellationToken);
        await WriteUntil(message, either.Token);
    }

    private Task WriteUntil(T message, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return call.Response.WriteAsync(
            marshaller, message, WriteOptions?.Flags ?? default, flush: true, cancellationToken);
    }
}
