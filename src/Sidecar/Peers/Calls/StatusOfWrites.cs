using Grpc.Core;
using Grpc.Core.Interceptors;

namespace Sidecar.Peers.Calls;

/// <summary>
/// Has a write to a client-streaming call fail with the status that the call ended with. The channel fails it at once,
/// with the connection's IOException or as CANCELLED, while the server's status is still on its way: a refusal
/// (no space, a newer writer) and a broken connection would both be taken for something else.
/// </summary>
internal sealed class StatusOfWrites : Interceptor
{
    public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(
        ClientInterceptorContext<TRequest, TResponse> context,
        AsyncClientStreamingCallContinuation<TRequest, TResponse> continuation)
    {
        var call = continuation(context);
        return new AsyncClientStreamingCall<TRequest, TResponse>(
            new Writer<TRequest, TResponse>(call), call.ResponseAsync, call.ResponseHeadersAsync, call.GetStatus,
            call.GetTrailers, call.Dispose);
    }

    private sealed class Writer<TRequest, TResponse>(AsyncClientStreamingCall<TRequest, TResponse> call)
        : IClientStreamWriter<TRequest>
    {
        public WriteOptions? WriteOptions
        {
            get => call.RequestStream.WriteOptions;
            set => call.RequestStream.WriteOptions = value;
        }

        public Task WriteAsync(TRequest message) => WriteAsync(message, CancellationToken.None);

        public async Task WriteAsync(TRequest message, CancellationToken cancellationToken)
        {
            try
            {
                await call.RequestStream.WriteAsync(message, cancellationToken);
            }
            catch (Exception failure) when (failure is not InvalidOperationException)
            {
                // A write fails only when the call is over or about to be, so the response comes soon; its status
                // tells why.
                await call.ResponseAsync;
                // A server that answers well without having read everything.
                throw new RpcException(new Status(
                    StatusCode.Unavailable, "The call was answered before everything was sent.", failure));
            }
        }

        public async Task CompleteAsync()
        {
            try
            {
                await call.RequestStream.CompleteAsync();
            }
            catch (Exception failure) when (failure is not InvalidOperationException)
            {
                // The call is over: its status is the response's to tell.
            }
        }
    }
}
