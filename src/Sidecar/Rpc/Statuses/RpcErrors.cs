using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using Sidecar.Peers.Calls;

namespace Sidecar.Rpc.Statuses;

/// <summary>
/// Statuses with details as google.rpc defines them: an ErrorInfo with a stable reason and typed facts, and a
/// RetryInfo where waiting helps.
/// </summary>
internal static class RpcErrors
{
    private const string RetryFact = "retry_after_seconds";

    public static RpcException Create(
        StatusCode code, string reason, string message, IReadOnlyDictionary<string, string> facts)
    {
        var info = new ErrorInfo { Domain = Refusal.Domain, Reason = reason, Metadata = { facts.ToDictionary() } };
        var status = new Google.Rpc.Status { Code = (int)code, Message = message, Details = { Any.Pack(info) } };
        if (facts.TryGetValue(RetryFact, out var seconds) && long.TryParse(seconds, out var delay))
        {
            status.Details.Add(Any.Pack(new RetryInfo { RetryDelay = new Duration { Seconds = delay } }));
        }

        return status.ToRpcException();
    }
}
