using System.Net;
using Grpc.Core;

namespace Grpc.Client;

/// <summary>The status that an HTTP failure stands for, as the protocol's tables have it.</summary>
internal static class HttpErrors
{
    public static StatusCode CodeOf(HttpStatusCode status) => (int)status switch
    {
        400 => StatusCode.Internal,
        401 => StatusCode.Unauthenticated,
        403 => StatusCode.PermissionDenied,
        404 => StatusCode.Unimplemented,
        429 or 502 or 503 or 504 => StatusCode.Unavailable,

        // 200 too: a good answer would have carried a grpc-status.
        _ => StatusCode.Unknown,
    };

    /// <summary>
    /// The outcome of a call that this side did not end: its caller, its deadline and its channel say themselves why they
    /// end it, so a cancellation here is the transport's, which gave up a connection.
    /// </summary>
    public static CallOutcome OutcomeOf(Exception failure, string? address)
    {
        if (failure is RpcException rpc)
            return new CallOutcome(rpc.Status, rpc.Trailers);
        if (ProtocolError(failure) is { } error)
            return CallOutcome.Local(CodeOf(error), $"The call broke off: HTTP/2 error {error}.", failure);

        return failure is HttpRequestException or IOException or OperationCanceledException or ObjectDisposedException
            ? CallOutcome.Local(
                StatusCode.Unavailable,
                $"{address ?? "The server"} cannot be reached: {failure.GetBaseException().Message}",
                failure)
            : CallOutcome.Local(StatusCode.Internal, $"The call failed: {failure.Message}", failure);
    }

    private static long? ProtocolError(Exception? failure)
    {
        for (; failure is not null; failure = failure.InnerException)
        {
            if (failure is HttpProtocolException protocol)
                return protocol.ErrorCode;
        }

        return null;
    }

    // RFC 9113, section 7.
    private static StatusCode CodeOf(long http2Error) => http2Error switch
    {
        // NO_ERROR before a status: the server is going away. The table says INTERNAL, for a reset of one stream,
        // which cannot be told apart here; a caller may try again after either.
        0x0 => StatusCode.Unavailable,
        0x5 => StatusCode.Unknown, // STREAM_CLOSED
        0x7 => StatusCode.Unavailable, // REFUSED_STREAM
        0x8 => StatusCode.Cancelled, // CANCEL
        0xb => StatusCode.ResourceExhausted, // ENHANCE_YOUR_CALM
        0xc => StatusCode.PermissionDenied, // INADEQUATE_SECURITY
        _ => StatusCode.Internal,
    };
}
