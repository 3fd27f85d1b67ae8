using Grpc.Core;
using Grpc.Core.Interceptors;

namespace Sidecar.Peers.Calls;

/// <summary>
/// Has a write to a client-streaming call fail with the status that the call ended with. The channel fails it at once,
/// with the connection's IOException or as CANCELLED, while the server's status is still on its way: a refusal
/// (no space, a newer writer) and a broken connection would both be taken for something else. A write that waits when the
/// call ends fails then.
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
            // A server that answers well without having read everything: what is written now, nobody reads.
            if (call.ResponseAsync.IsCompletedSuccessfully)
            {
                throw new RpcException(new Status(StatusCode.Unavailable, "The call was answered before everything was sent."));
            }

            var write = call.RequestStream.WriteAsync(message, cancellationToken);
            // A write waits for room in the server's window. Where the server ends the call just then, the channel was seen
            // to leave it waiting for ever, though the status is there; so the end of the call is the end of the write.
            await Task.WhenAny(write, call.ResponseAsync);
            if (write.IsCompletedSuccessfully) return;
            if (IsMisuse(write.Exception?.InnerException)) await write;
            if (cancellationToken.IsCancellationRequested)
            {
                // Where the token had fired before the write began, the channel lets the call go on.
                call.Dispose();
                throw new RpcException(new Status(StatusCode.Cancelled, "The call was cancelled by its writer.", write.Exception));
            }

            // A write fails only when the call is over or about to be, so the response comes soon; its status tells why.
            // Where it is good, this was the last message: the server has read it, acted on it and answered, all before
            // this thread learned that it was sent.
            await call.ResponseAsync;
        }

        public async Task CompleteAsync()
        {
            // There is nothing to complete any more, and the channel may take the last write for one in progress.
            if (call.ResponseAsync.IsCompleted) return;
            try
            {
                await call.RequestStream.CompleteAsync();
            }
            catch (Exception failure) when (!IsMisuse(failure))
            {
                // The call is over: its status is the response's to tell.
            }
        }

        // A call that ends in mid-write takes its stream away, which is no misuse, though the exception derives from that one.
        private static bool IsMisuse(Exception? failure) =>
            failure is InvalidOperationException and not ObjectDisposedException;
    }
}
