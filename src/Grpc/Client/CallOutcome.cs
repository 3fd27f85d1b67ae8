using Grpc.Core;

namespace Grpc.Client;

/// <summary>How a call ended.</summary>
internal sealed record CallOutcome(Status Status, Metadata Trailers)
{
    public bool IsOk => Status.StatusCode == StatusCode.OK;

    public static CallOutcome Local(StatusCode code, string detail, Exception? cause = null) =>
        new(new Status(code, detail, cause), Metadata.Empty);

    public RpcException ToException() => new(Status, Trailers);
}
