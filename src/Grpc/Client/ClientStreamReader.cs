using Grpc.Core;

namespace Grpc.Client;

/// <summary>The responses of a server-streaming or duplex call.</summary>
internal sealed class ClientStreamReader<TRequest, TResponse>(ClientCall<TRequest, TResponse> call)
    : IAsyncStreamReader<TResponse>
    where TRequest : class
    where TResponse : class
{
    private TResponse? _current;

    public TResponse Current => _current ?? throw new InvalidOperationException("There is no current message.");

    /// <summary>Cancelling one MoveNext cancels the call: where its stream stands would not be known.</summary>
    public async Task<bool> MoveNext(CancellationToken cancellationToken)
    {
        using var cancelling = cancellationToken.UnsafeRegister(
            _ => call.End(CallOutcome.Local(StatusCode.Cancelled, "The call was cancelled by its reader.")), null);
        _current = null;
        _current = await call.ReadNextAsync();
        return _current is not null;
    }
}
