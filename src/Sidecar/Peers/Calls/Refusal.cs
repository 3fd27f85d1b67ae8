using System.Net.Sockets;
using Google.Protobuf;
using Google.Rpc;
using Grpc.Core;
using Sidecar.Peers.Trust;
using Status = Grpc.Core.Status;

namespace Sidecar.Peers.Calls;

/// <summary>What a status that a peer answered with says: a refusal of ours, or a connection that broke.</summary>
internal static class Refusal
{
    public const string Domain = "glance.sidecar";

    /// <summary>The stable reason, as docs/api.md lists them; null when no sidecar gave the status.</summary>
    public static string? ReasonOf(RpcException failure)
    {
        try
        {
            return failure.GetRpcStatus()?.GetDetail<ErrorInfo>() is { Domain: Domain } info ? info.Reason : null;
        }
        catch (InvalidProtocolBufferException)
        {
            return null; // not from a sidecar
        }
    }

    /// <summary>The peer answered that it does not have what it was asked for.</summary>
    public static bool IsNotThere(RpcException failure) => failure.StatusCode == StatusCode.NotFound
        && ReasonOf(failure) is "IMAGE_NOT_FOUND" or "IMPORT_NOT_FOUND" or "STORE_SOURCE_GONE";

    /// <summary>The peer does as much at once as it can: it takes the same call in a moment.</summary>
    public static bool IsOverloaded(RpcException failure) =>
        failure.StatusCode == StatusCode.ResourceExhausted && ReasonOf(failure) == "OVERLOADED";

    /// <summary>
    /// No answer of the peer at all: it cannot be reached, or the connection broke. Not when it was the caller who
    /// gave up.
    /// </summary>
    public static bool IsBroken(RpcException failure, ServerCallContext caller) =>
        failure.StatusCode is StatusCode.Unavailable or StatusCode.Internal or StatusCode.Cancelled
        && !caller.CancellationToken.IsCancellationRequested
        && ReasonOf(failure) is null;

    /// <summary>As above, of a call that this pod made by itself; giving up by its own deadline is one, too.</summary>
    public static bool IsBroken(RpcException failure) => ReasonOf(failure) is null
        && failure.StatusCode is StatusCode.Unavailable or StatusCode.Internal or StatusCode.Cancelled
            or StatusCode.DeadlineExceeded or StatusCode.Unknown;

    /// <summary>Why, as half a sentence for this pod's caller; <see cref="Why"/> is for the log.</summary>
    public static string Explain(RpcException failure) => failure.Status.DebugException?.GetBaseException() switch
    {
        null => failure.Status.Detail,
        PeerTlsException refused => refused.What,
        SocketException { SocketErrorCode: SocketError.ConnectionRefused } => "nothing listens at its address",
        SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain } =>
            "its name has no address",
        SocketException { SocketErrorCode: SocketError.HostUnreachable or SocketError.NetworkUnreachable } =>
            "the network has no way to it",
        SocketException { SocketErrorCode: SocketError.TimedOut } or TimeoutException or OperationCanceledException =>
            "no connection to it was made in time",
        _ => "the connection broke",
    };

    /// <summary>
    /// Why, in the words of whoever knows most: the peer's own, or of a connection that broke the innermost exception's; the
    /// channel puts the words of all those around it in front.
    /// </summary>
    public static string Why(RpcException failure) =>
        failure.Status.DebugException?.GetBaseException().Message ?? failure.Status.Detail;

    /// <summary>The same status with the same details, for this pod's caller.</summary>
    public static RpcException PassOn(RpcException failure) =>
        new(new Status(failure.StatusCode, failure.Status.Detail), failure.Trailers);
}
