using Grpc.Core;
using Grpc.Core.Interceptors;

namespace Sidecar.Rpc.Calls;

/// <summary>An interceptor that does the same around the handlers of all four kinds of calls.</summary>
internal abstract class ServerInterceptor : Interceptor
{
    public sealed override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation) =>
        AroundAsync(context, () => continuation(request, context));

    public sealed override Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, ServerCallContext context,
        ClientStreamingServerMethod<TRequest, TResponse> continuation) =>
        AroundAsync(context, () => continuation(requestStream, context));

    public sealed override Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context,
        ServerStreamingServerMethod<TRequest, TResponse> continuation) =>
        AroundAsync(context, () => WithoutAnswer(continuation(request, responseStream, context)));

    public sealed override Task DuplexStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, IServerStreamWriter<TResponse> responseStream,
        ServerCallContext context, DuplexStreamingServerMethod<TRequest, TResponse> continuation) =>
        AroundAsync(context, () => WithoutAnswer(continuation(requestStream, responseStream, context)));

    /// <summary>Runs the handler, and what belongs around it.</summary>
    protected abstract Task<T> AroundAsync<T>(ServerCallContext call, Func<Task<T>> handler);

    private static async Task<bool> WithoutAnswer(Task handler)
    {
        await handler;
        return true;
    }
}
