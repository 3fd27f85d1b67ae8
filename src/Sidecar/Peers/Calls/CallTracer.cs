using System.Diagnostics;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Sidecar.Telemetry.Calls;

namespace Sidecar.Peers.Calls;

/// <summary>Measures and traces the calls of one channel, and tells the server of their spans.</summary>
/// <param name="server">Whom the channel leads to, for the spans.</param>
internal sealed class CallTracer(string server) : Interceptor
{
    private static readonly Status GivenUp = new(StatusCode.Cancelled, "The call was given up.");

    public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
        TRequest request, ClientInterceptorContext<TRequest, TResponse> context,
        AsyncUnaryCallContinuation<TRequest, TResponse> continuation)
    {
        var (span, call) = Start(context, told => continuation(request, told));
        return new AsyncUnaryCall<TResponse>(
            WatchAsync(call.ResponseAsync, span), call.ResponseHeadersAsync, call.GetStatus, call.GetTrailers,
            () => GiveUp(call.Dispose, span));
    }

    public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(
        ClientInterceptorContext<TRequest, TResponse> context,
        AsyncClientStreamingCallContinuation<TRequest, TResponse> continuation)
    {
        var (span, call) = Start(context, told => continuation(told));
        return new AsyncClientStreamingCall<TRequest, TResponse>(
            call.RequestStream, WatchAsync(call.ResponseAsync, span), call.ResponseHeadersAsync, call.GetStatus,
            call.GetTrailers, () => GiveUp(call.Dispose, span));
    }

    public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(
        TRequest request, ClientInterceptorContext<TRequest, TResponse> context,
        AsyncServerStreamingCallContinuation<TRequest, TResponse> continuation)
    {
        var (span, call) = Start(context, told => continuation(request, told));
        return new AsyncServerStreamingCall<TResponse>(
            new Responses<TResponse>(call.ResponseStream, span), call.ResponseHeadersAsync, call.GetStatus,
            call.GetTrailers, () => GiveUp(call.Dispose, span));
    }

    // The span is current while the call is sent, and no longer.
    private (CallSpan Span, TCall Call) Start<TRequest, TResponse, TCall>(
        ClientInterceptorContext<TRequest, TResponse> context, Func<ClientInterceptorContext<TRequest, TResponse>, TCall> send)
        where TRequest : class
        where TResponse : class
    {
        var before = Activity.Current;
        var span = CallSpan.StartClient(context.Method.FullName, server);
        try
        {
            if (!span.IsRecorded) return (span, send(context));
            var told = context.Options.WithHeaders(span.Inject(context.Options.Headers));
            return (span, send(new ClientInterceptorContext<TRequest, TResponse>(context.Method, context.Host, told)));
        }
        finally
        {
            span.Leave(before);
        }
    }

    private static async Task<T> WatchAsync<T>(Task<T> response, CallSpan span)
    {
        try
        {
            var answer = await response;
            span.End(Status.DefaultSuccess);
            return answer;
        }
        catch (RpcException failure)
        {
            span.End(failure.Status);
            throw;
        }
    }

    private static void GiveUp(Action dispose, CallSpan span)
    {
        // First the span: the disposal makes the response fail, with less to say.
        span.End(GivenUp);
        dispose();
    }

    private sealed class Responses<T>(IAsyncStreamReader<T> responses, CallSpan span) : IAsyncStreamReader<T>
    {
        public T Current => responses.Current;

        public async Task<bool> MoveNext(CancellationToken cancellationToken)
        {
            try
            {
                if (await responses.MoveNext(cancellationToken)) return true;
                span.End(Status.DefaultSuccess);
                return false;
            }
            catch (RpcException failure)
            {
                span.End(failure.Status);
                throw;
            }
        }
    }
}
