using System.Diagnostics.CodeAnalysis;
using Grpc.Core;

namespace Grpc.Server;

/// <summary>The requests of a client-streaming or duplex call.</summary>
[SuppressMessage("Design", "CA1001", Justification = "the link ends with its parents, see LinkOnce")]
internal sealed class ServerStreamReader<T>(ServerCall call, Marshaller<T> marshaller) : IAsyncStreamReader<T>
    where T : class
{
    private T? _current;
    private CancellationTokenSource? _link;
    private CancellationToken _linkedToken;

    public T Current => _current ?? throw new InvalidOperationException("There is no current message.");

    public Task<bool> MoveNext(CancellationToken cancellationToken) =>
        cancellationToken.CanBeCanceled && cancellationToken != call.CancellationToken
            ? MoveNextUntil(LinkOnce(cancellationToken))
            : MoveNextUntil(call.CancellationToken);

    // A handler gives the same token with each message; linking it anew every time would be most of what a message
    // allocates. Both parents end with the call, so the last link needs no disposal of its own.
    private CancellationToken LinkOnce(CancellationToken cancellationToken)
    {
        if (_link is not null && _linkedToken == cancellationToken)
            return _link.Token;

        _link?.Dispose();
        _link = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, call.CancellationToken);
        _linkedToken = cancellationToken;
        return _link.Token;
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
