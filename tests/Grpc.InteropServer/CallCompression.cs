using Grpc.Core;
using Grpc.Server;
using Grpc.Testing;

namespace Grpc.InteropServer;

/// <summary>The one look behind the Grpc.Core surface: whether the last request came compressed.</summary>
internal static class CallCompression
{
    public static void Check(ServerCallContext context, BoolValue? expected)
    {
        var compressed = ((ServerCall)context).Requests.WasCompressed;
        if (expected is not null && expected.Value != compressed)
        {
            throw new RpcException(new Status(
                StatusCode.InvalidArgument, $"Compressed: {compressed}, expected: {expected.Value}."));
        }
    }
}
