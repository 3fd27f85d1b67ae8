using Grpc.Core;

namespace Sidecar.Peers.Calls;

/// <summary>
/// Calls that name the pod that they are for. Kubernetes gives the address of a pod that went to the next one; without
/// the name a "not here" of the wrong pod would be taken for the right one's.
/// </summary>
internal sealed class AddressedCalls(CallInvoker calls, Func<string?> name) : CallInvoker
{
    public override TResponse BlockingUnaryCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) =>
        calls.BlockingUnaryCall(method, host, Address(options), request);

    public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) =>
        calls.AsyncUnaryCall(method, host, Address(options), request);

    public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) =>
        calls.AsyncServerStreamingCall(method, host, Address(options), request);

    public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options) =>
        calls.AsyncClientStreamingCall(method, host, Address(options));

    public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options) =>
        calls.AsyncDuplexStreamingCall(method, host, Address(options));

    private CallOptions Address(CallOptions options)
    {
        if (name() is not { } pod) return options;
        var headers = new Metadata();
        foreach (var entry in options.Headers ?? Metadata.Empty) headers.Add(entry);
        headers.Add(ForwardMark.AddresseeHeader, pod);
        return options.WithHeaders(headers);
    }
}
