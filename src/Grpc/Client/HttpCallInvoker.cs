using System.Diagnostics;
using Grpc.Core;
using Grpc.Telemetry;

namespace Grpc.Client;

/// <summary>Starts the calls of generated clients.</summary>
internal sealed class HttpCallInvoker(ChannelTransport transport) : CallInvoker
{
    public override TResponse BlockingUnaryCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
    {
        using var call = AsyncUnaryCall(method, host, options, request);
        return call.ResponseAsync.GetAwaiter().GetResult();
    }

    public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
    {
        var call = Start(method, options, request);
        return new(call.ReadSingle(), call.ResponseHeaders, call.GetStatus, call.GetTrailers, call.Dispose);
    }

    public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
    {
        var call = Start(method, options, request);
        return new(
            new ClientStreamReader<TRequest, TResponse>(call),
            call.ResponseHeaders,
            call.GetStatus,
            call.GetTrailers,
            call.Dispose);
    }

    public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options)
    {
        var call = Start(method, options, null);
        return new(
            new ClientStreamWriter<TRequest, TResponse>(call),
            call.ReadSingle(),
            call.ResponseHeaders,
            call.GetStatus,
            call.GetTrailers,
            call.Dispose);
    }

    public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options)
    {
        var call = Start(method, options, null);
        return new(
            new ClientStreamWriter<TRequest, TResponse>(call),
            new ClientStreamReader<TRequest, TResponse>(call),
            call.ResponseHeaders,
            call.GetStatus,
            call.GetTrailers,
            call.Dispose);
    }

    private ClientCall<TRequest, TResponse> Start<TRequest, TResponse>(
        Method<TRequest, TResponse> method,
        CallOptions options,
        TRequest? request)
        where TRequest : class
        where TResponse : class
    {
        ObjectDisposedException.ThrowIf(transport.Closing.IsCancellationRequested, typeof(Net.Client.GrpcChannel));
        var before = Activity.Current;
        var span = CallSpan.StartClient(method, transport.Address);
        var call = new ClientCall<TRequest, TResponse>(transport, method, options, span);
        call.Start(request);
        span.Leave(before);
        return call;
    }
}
