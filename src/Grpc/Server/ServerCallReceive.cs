using System.Runtime.CompilerServices;
using Grpc.Core;
using Microsoft.AspNetCore.Http;

namespace Grpc.Server;

/// <summary>Receiving for a call: tells a client that went away from one that sent something wrong.</summary>
internal static class ServerCallReceive
{
    // Far longer than it takes; only a bound.
    private static readonly TimeSpan TokenPatience = TimeSpan.FromSeconds(1);

    /// <exception cref="OperationCanceledException">The client is gone, or the token fired.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public static async ValueTask<bool> ReceiveAsync(this ServerCall call, CancellationToken cancellationToken)
    {
        try
        {
            return await call.Requests.MoveNextAsync(cancellationToken);
        }
        catch (IOException gone) when (gone is not BadHttpRequestException)
        {
            await WaitForTokenAsync(call.CancellationToken);
            throw new OperationCanceledException("The client gave up the call.", gone, call.CancellationToken);
        }
    }

    /// <summary>The one request of a unary or server-streaming call.</summary>
    /// <exception cref="RpcException">UNIMPLEMENTED: there is none, or a second one.</exception>
    public static async ValueTask<T> ReceiveOneAsync<T>(this ServerCall call, Marshaller<T> marshaller)
    {
        if (!await call.ReceiveAsync(call.CancellationToken))
            throw Cardinality("The client sent no request.");

        var request = call.Requests.Deserialize(marshaller);
        return await call.ReceiveAsync(call.CancellationToken)
            ? throw Cardinality("The client sent more than one request.")
            : request;
    }

    // Kestrel fails the read a moment before it fires its token. A handler that looks at the token to learn why it was
    // interrupted must not see it at rest.
    private static async Task WaitForTokenAsync(CancellationToken token) =>
        await Task.Delay(TokenPatience, token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    private static RpcException Cardinality(string detail) => new(new Status(StatusCode.Unimplemented, detail));
}
