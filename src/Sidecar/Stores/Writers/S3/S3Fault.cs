using System.Net;
using Amazon.Runtime;
using Sidecar.Import.Core;
using Sidecar.Stores.Core;

namespace Sidecar.Stores.Writers.S3;

/// <summary>What a server answers, and what becomes of connections to it, as failures with names.</summary>
internal sealed class S3Fault(S3Job place)
{
    private const string Hidden = "***";

    /// <summary>Whether it is one that a call may end with.</summary>
    public static bool IsOne(Exception failure) => failure
        is AmazonServiceException or AmazonClientException or HttpRequestException or IOException or OperationCanceledException
        or TimeoutException;

    /// <summary>Whether the server says that there is no such thing. What has no body says no more.</summary>
    public static bool IsNotFound(Exception failure) => failure is AmazonServiceException { StatusCode: HttpStatusCode.NotFound };

    /// <summary>Whether the server does not know what it was asked for.</summary>
    public static bool IsNotImplemented(Exception failure) =>
        failure is AmazonServiceException { StatusCode: HttpStatusCode.NotImplemented } or AmazonServiceException { ErrorCode: "NotImplemented" };

    public StoreException Of(Exception failure, string what)
    {
        var (error, message) = failure is AmazonServiceException { StatusCode: not 0 } answer ? OfAnswer(answer) : OfConnection(failure);
        return new StoreException(error, message) { Detail = Words(failure, what) };
    }

    public StoreException NoBucket() => new(
        StoreError.StoreFailed,
        $"The S3 server has no bucket {place.Bucket}: make it, or set s3_store_bucket right or s3_store_create_bucket_on_put to true.");

    private (StoreError Error, string Message) OfAnswer(AmazonServiceException answer) => (answer.ErrorCode, (int)answer.StatusCode) switch
    {
        // Before all that has the status 403, which some servers answer for a quota.
        ("QuotaExceeded" or "XMinioStorageFull" or "StorageFull" or "InsufficientStorage", _) or (_, 507) =>
            (StoreError.StoreFull, $"The S3 server has no room in bucket {place.Bucket}, or its quota is reached."),
        ("NoSuchBucket", _) => (StoreError.StoreFailed, NoBucket().Message),
        // Somebody has discarded the upload that was being written: begun anew, it is whole.
        ("NoSuchUpload", _) => Unreachable("The S3 server has dropped what it had of the image."),
        (_, 409) => Unreachable("The S3 server is busy with another request for the same."),
        ("AuthorizationHeaderMalformed" or "PermanentRedirect" or "TemporaryRedirect", _) or (_, 301 or 307 or 308) =>
            (StoreError.StoreFailed, "The S3 server wants to be asked elsewhere: check s3_store_host and s3_store_region_name."),
        ("RequestTimeTooSkewed", _) => (StoreError.StoreFailed, "The clocks of this pod and of the S3 server are too far apart."),
        (_, 401 or 403) => (
            StoreError.StoreDenied,
            $"The S3 server does not let this user write to bucket {place.Bucket}: check s3_store_access_key, s3_store_secret_key and the "
            + "bucket's policy."),
        (_, 412) => Duplicate(),
        (_, 408 or 429 or >= 500 and not 501) or ("SlowDown" or "RequestTimeout", _) =>
            Unreachable("The S3 server does not answer as it should."),
        _ => (StoreError.StoreFailed, "The S3 server refused a part of the write; the sidecar's log has its words."),
    };

    private static (StoreError Error, string Message) OfConnection(Exception failure) => IsCertificate(failure)
        ? (StoreError.StoreFailed, "The certificate of the S3 server is not trusted: check s3_store_host and s3_store_cacert.")
        : Unreachable("The S3 server does not answer.");

    private static (StoreError Error, string Message) Duplicate() => (
        StoreError.StoreDuplicate, "Somebody made an object of the image's name in the bucket while it was being written. It is left as it is.");

    private static (StoreError Error, string Message) Unreachable(string what) =>
        (StoreError.StoreUnreachable, what + " Import the image again when it works.");

    private static bool IsCertificate(Exception? failure) => failure switch
    {
        null => false,
        HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } => true,
        _ => IsCertificate(failure.InnerException),
    };

    /// <summary>For the log alone. Some servers tell in them what was signed, with the user's key.</summary>
    private string Words(Exception failure, string what)
    {
        var said = failure is AmazonServiceException { StatusCode: not 0 } answer
            ? $"{(int)answer.StatusCode} {answer.ErrorCode}: {answer.Message}" : $"{failure.GetType().Name}: {Innermost(failure).Message}";
        said = said.Replace(place.SecretKey, Hidden, StringComparison.Ordinal).Replace(place.AccessKey, Hidden, StringComparison.Ordinal);
        return Text.OneLine($"{what}: {said}");
    }

    private static Exception Innermost(Exception failure) => failure.InnerException is { } inner ? Innermost(inner) : failure;
}
