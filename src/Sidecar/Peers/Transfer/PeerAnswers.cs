using Google.Rpc;
using Grpc.Core;

namespace Sidecar.Peers.Transfer;

/// <summary>What the end of a call to a peer means for a transfer.</summary>
internal static class PeerAnswers
{
    private const string DetailsTrailer = "grpc-status-details-bin";

    /// <summary>The peer's own reason; empty when the call failed on the way.</summary>
    public static string ReasonOf(RpcException failure)
    {
        var details = failure.Trailers.FirstOrDefault(entry => entry.Key == DetailsTrailer)?.ValueBytes;
        if (details is null) return "";
        var packed = Google.Rpc.Status.Parser.ParseFrom(details).Details;
        return packed.FirstOrDefault(any => any.Is(ErrorInfo.Descriptor))?.Unpack<ErrorInfo>().Reason ?? "";
    }

    /// <summary>The connection broke or could not be made; the peer itself has refused nothing.</summary>
    public static bool IsBroken(RpcException failure) => ReasonOf(failure).Length == 0
        && failure.StatusCode is StatusCode.Unavailable or StatusCode.Internal or StatusCode.Cancelled
            or StatusCode.DeadlineExceeded or StatusCode.Unknown;
}
