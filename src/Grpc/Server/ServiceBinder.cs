using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;

namespace Grpc.Server;

/// <summary>
/// Turns the methods that a service registers into call handlers. The service object differs from call to call, so
/// the C# method is looked up by the gRPC method's name and called on that object.
/// </summary>
internal sealed class ServiceBinder<
    [DynamicallyAccessedMembers(GrpcEndpointRouteBuilderExtensions.ServiceMembers)] TService>(
    ServiceActivator<TService> activator,
    Action<IMethod, MethodInfo, Func<ServerCall, Task>> add) : ServiceBinderBase
    where TService : class
{
    public override void AddMethod<TRequest, TResponse>(
        Method<TRequest, TResponse> method,
        UnaryServerMethod<TRequest, TResponse>? handler)
    {
        var info = Find(method.Name, typeof(TRequest), typeof(ServerCallContext));
        var target = info.CreateDelegate<UnaryCall<TService, TRequest, TResponse>>();
        Add(method, info, async (service, call) =>
        {
            var request = await call.ReceiveOneAsync(method.RequestMarshaller);
            await Respond(call, method, await target(service, request, call));
        });
    }

    public override void AddMethod<TRequest, TResponse>(
        Method<TRequest, TResponse> method,
        ClientStreamingServerMethod<TRequest, TResponse>? handler)
    {
        var info = Find(method.Name, typeof(IAsyncStreamReader<TRequest>), typeof(ServerCallContext));
        var target = info.CreateDelegate<ClientStreamingCall<TService, TRequest, TResponse>>();
        Add(method, info, async (service, call) =>
        {
            var requests = new ServerStreamReader<TRequest>(call, method.RequestMarshaller);
            await Respond(call, method, await target(service, requests, call));
        });
    }

    public override void AddMethod<TRequest, TResponse>(
        Method<TRequest, TResponse> method,
        ServerStreamingServerMethod<TRequest, TResponse>? handler)
    {
        var info = Find(
            method.Name, typeof(TRequest), typeof(IServerStreamWriter<TResponse>), typeof(ServerCallContext));
        var target = info.CreateDelegate<ServerStreamingCall<TService, TRequest, TResponse>>();
        Add(method, info, async (service, call) =>
        {
            var request = await call.ReceiveOneAsync(method.RequestMarshaller);
            var responses = new ServerStreamWriter<TResponse>(call, method.ResponseMarshaller);
            await target(service, request, responses, call);
        });
    }

    public override void AddMethod<TRequest, TResponse>(
        Method<TRequest, TResponse> method,
        DuplexStreamingServerMethod<TRequest, TResponse>? handler)
    {
        var info = Find(
            method.Name,
            typeof(IAsyncStreamReader<TRequest>),
            typeof(IServerStreamWriter<TResponse>),
            typeof(ServerCallContext));
        var target = info.CreateDelegate<DuplexStreamingCall<TService, TRequest, TResponse>>();
        Add(method, info, (service, call) => target(
            service,
            new ServerStreamReader<TRequest>(call, method.RequestMarshaller),
            new ServerStreamWriter<TResponse>(call, method.ResponseMarshaller),
            call));
    }

    // No flush: the message, the headers before it and the trailers after it leave together.
    private static Task Respond<TRequest, TResponse>(
        ServerCall call,
        Method<TRequest, TResponse> method,
        TResponse? response)
        where TResponse : class
    {
        if (response is null)
            throw new RpcException(new Status(StatusCode.Cancelled, "The handler gave no response."));
        if (call.Status.StatusCode != StatusCode.OK)
            return Task.CompletedTask;

        var flags = call.WriteOptions?.Flags ?? default;
        return call.Response.WriteAsync(
            method.ResponseMarshaller, response, flags, flush: false, call.CancellationToken);
    }

    private static MethodInfo Find(string name, params Type[] parameters) =>
        typeof(TService).GetMethod(
            name, BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic, parameters)
        ?? throw new InvalidOperationException(
            $"{typeof(TService)} has no method {name}({string.Join(", ", parameters.Select(type => type.Name))}).");

    private void Add(IMethod method, MethodInfo info, Func<TService, ServerCall, Task> run) =>
        add(method, info, async call =>
        {
            var lease = activator.Activate(call.Http.RequestServices);
            try
            {
                await run(lease.Service, call);
            }
            finally
            {
                await lease.ReleaseAsync();
            }
        });
}
