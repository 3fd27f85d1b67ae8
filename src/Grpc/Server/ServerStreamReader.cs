using Grpc.Core;

namespace Grpc.Server;

/// <summary>The requests of a client-streaming or duplex call.</summary>
internal sealed class ServerStreamReader<T>(ServerCall call, Marshaller<T> marshaller) : IAsyncStreamReader<T>
    where T : class
{
    private T? _current;

    public T Current => _current ?? throw new InvalidOperationException("There is no current message.");

    public Task<bool> MoveNext(CancellationToken cancellationToken) =>
        cancellationToken.CanBeCanceled && cancellationToken != call.CancellationToken
            ? MoveNextLinked(cancellationToken)
            : MoveNextUntil(call.CancellationToken);

    private async Task<bool> MoveNextLinked(CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, call.CancellationToken);
        return await MoveNextUntil(either.Token);
    }

    private async Task<bool> MoveNextUntil(CancellationToken cancellationToken)
    {
        _current = null;
        if (!await call.ReceiveAsync(cancellationToken))
            return false;

        _current = call.Requests.Deserialize(marshaller);
        return true;
    }
}
