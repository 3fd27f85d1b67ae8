using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using Sidecar.Peers.Forwarding;
using Status = Grpc.Core.Status;

namespace Sidecar.Rpc;

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
        var info = new ErrorInfo { Domain = Refusal.Domain, Reason = reason };
        foreach (var (name, value) in facts) info.Metadata[name] = value;
        var details = new Google.Rpc.Status { Code = (int)code, Message = message, Details = { Any.Pack(info) } };
        if (facts.TryGetValue(RetryFact, out var seconds) && long.TryParse(seconds, out var delay))
        {
            details.Details.Add(Any.Pack(new RetryInfo { RetryDelay = new Duration { Seconds = delay } }));
        }

        return new RpcException(
            new Status(code, message), new Metadata { { Refusal.DetailsTrailer, details.ToByteArray() } });
    }
}
