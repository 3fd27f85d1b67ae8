using Grpc.Core;
using Grpc.Reflection.V1;
using Grpc.Server;

namespace Grpc.Reflection;

/// <summary><c>grpc.reflection.v1.ServerReflection</c>.</summary>
internal class ReflectionService(ReflectionAnswers answers) : ServerReflection.ServerReflectionBase
{
    public override async Task ServerReflectionInfo(
        IAsyncStreamReader<ServerReflectionRequest> requestStream,
        IServerStreamWriter<ServerReflectionResponse> responseStream,
        ServerCallContext context)
    {
        using var ending = ServerStopping.Link(context);
        try
        {
            await foreach (var request in requestStream.ReadAllAsync(ending.Token))
                await responseStream.WriteAsync(answers.Answer(request));
        }
        catch (OperationCanceledException) when (!context.CancellationToken.IsCancellationRequested)
        {
            throw new RpcException(new Status(StatusCode.Unavailable, "The server is stopping."));
        }
    }
}
