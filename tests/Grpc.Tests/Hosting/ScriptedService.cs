using Grpc.Core;
using Grpc.Testing;

namespace Grpc.Tests.Hosting;

/// <summary>A service whose methods each test writes.</summary>
internal sealed class ScriptedService : TestService.TestServiceBase
{
    public Func<SimpleRequest, ServerCallContext, Task<SimpleResponse>> Unary { get; init; } =
        (_, _) => Task.FromResult(new SimpleResponse());

    public Func<IAsyncStreamReader<StreamingInputCallRequest>, ServerCallContext, Task<StreamingInputCallResponse>>
        Upload { get; init; } = (_, _) => Task.FromResult(new StreamingInputCallResponse());

    public Func<IServerStreamWriter<StreamingOutputCallResponse>, ServerCallContext, Task> Download { get; init; } =
        (_, _) => Task.CompletedTask;

    public Func<
        IAsyncStreamReader<StreamingOutputCallRequest>,
        IServerStreamWriter<StreamingOutputCallResponse>,
        ServerCallContext,
        Task> Duplex { get; init; } = (_, _, _) => Task.CompletedTask;

    public override Task<SimpleResponse> UnaryCall(SimpleRequest request, ServerCallContext context) =>
        Unary(request, context);

    public override Task<StreamingInputCallResponse> StreamingInputCall(
        IAsyncStreamReader<StreamingInputCallRequest> requestStream,
        ServerCallContext context) => Upload(requestStream, context);

    public override Task StreamingOutputCall(
        StreamingOutputCallRequest request,
        IServerStreamWriter<StreamingOutputCallResponse> responseStream,
        ServerCallContext context) => Download(responseStream, context);

    public override Task FullDuplexCall(
        IAsyncStreamReader<StreamingOutputCallRequest> requestStream,
        IServerStreamWriter<StreamingOutputCallResponse> responseStream,
        ServerCallContext context) => Duplex(requestStream, responseStream, context);
}
