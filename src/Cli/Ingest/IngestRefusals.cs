using Grpc.Core;
using Stagectl.Failures;

namespace Stagectl.Ingest;

/// <summary>What the answers of Glance and the ingest mean to the user, and what can be done.</summary>
internal static class IngestRefusals
{
    public const string TokenRefused = "TOKEN_REFUSED";
    public const string Unavailable = "UNAVAILABLE";

    /// <summary>An answer that another attempt may change.</summary>
    public static AttemptException Passing(IngestAnswer answer) => new(
        Failure.Refused(StatusCode.Unavailable, Unavailable, $"Glance cannot take the image now ({answer.Status}): {answer}")
            .With("", ("http_status", $"{answer.Status}")),
        retryAfter: answer.RetryAfter);

    /// <summary>An answer that ends the upload.</summary>
    public static CommandException Final(IngestAnswer answer, string imageId, IngestAddress address)
    {
        var (code, reason, text) = Explain(answer, imageId, address);
        var failure = Failure.Refused(code, reason, text);
        return new CommandException(failure.With("", ("http_status", $"{answer.Status}"), ("image_id", imageId)));
    }

    private static (StatusCode Code, string Reason, string Text) Explain(IngestAnswer answer, string imageId, IngestAddress address) =>
        answer.Status switch
        {
            401 => (StatusCode.Unauthenticated, TokenRefused,
                $"Glance does not take the token, which may have expired ({answer}). Get another one: "
                + "'openstack token issue -f value -c id'."),
            403 => (StatusCode.PermissionDenied, "FORBIDDEN",
                $"Whoever the token is of may not stage image {imageId}: {answer}"),
            404 => (StatusCode.NotFound, "IMAGE_NOT_FOUND",
                $"There is no image {imageId} for whoever the token is of at {address} ({answer}). 'glance image-create' or "
                + "'POST /v2/images' makes one to be staged."),
            409 => (StatusCode.FailedPrecondition, "CONFLICT",
                $"Image {imageId} cannot be staged as it is: {answer} Only an image that is queued or uploading can be."),
            413 => (StatusCode.ResourceExhausted, "IMAGE_TOO_LARGE",
                $"The image is larger than what may be staged, or than what is left of a quota or of the space: {answer}"),
            >= 300 and < 400 => (StatusCode.FailedPrecondition, "REDIRECTED",
                $"{address} leads to {answer.Headers.GetValueOrDefault("Location", "elsewhere")}. A token is not sent on: give that "
                + "address."),
            400 => (StatusCode.InvalidArgument, "REFUSED", $"The image was refused: {answer}"),
            _ => (StatusCode.Unknown, "REFUSED", $"The image was not staged, Glance answered {answer.Status}: {answer}"),
        };
}
