using Amazon.S3;
using Amazon.S3.Model;
using Sidecar.Stores.Core;

namespace Sidecar.Stores.Writers.S3;

/// <summary>A bucket, and what is done to one key of it. Each call answers, or throws what a person can read.</summary>
internal sealed class S3Bucket(S3Job place, string key) : IDisposable
{
    private readonly AmazonS3Client _client = S3Connection.Open(place);
    private readonly S3Fault _fault = new(place);

    public string Name => place.Bucket;

    public string Key => key;

    // Over TLS the connection keeps the bytes as they are; elsewhere their signature does, and it costs another digest.
    public bool IsEncrypted { get; } = place.Endpoint.StartsWith(Uri.UriSchemeHttps, StringComparison.OrdinalIgnoreCase);

    /// <summary>The object; null when there is none, or no bucket either.</summary>
    public Task<GetObjectMetadataResponse?> FindAsync() => TryAsync(
        "HEAD of the object", () => _client.GetObjectMetadataAsync(new GetObjectMetadataRequest { BucketName = Name, Key = key }));

    /// <exception cref="StoreException">There is none, and none may be made.</exception>
    public async Task EnsureAsync()
    {
        if (await TryAsync("HEAD of the bucket", () => _client.HeadBucketAsync(new HeadBucketRequest { BucketName = Name })) is not null) return;
        if (!place.CreatesBucket) throw _fault.NoBucket();
        // As Glance's driver: a server has its own place for it, unless a region was named.
        await CallAsync("PUT of the bucket", () => _client.PutBucketAsync(new PutBucketRequest
        {
            BucketName = Name, UseClientRegion = false, BucketRegionName = place.Region.Length > 0 ? place.Region : null,
        }));
    }

    /// <summary>
    /// Removes all multipart uploads of the key that are under way: an earlier attempt's, of which nobody else knows. S3 does not tell
    /// whose they are, but the key is the image's id, which nobody but Glance writes, one import at a time. If one of another import
    /// is under way after all, its writer hears that it is gone and begins anew; the image is never made of other bytes.
    /// <para>
    /// A user who may write need not be one who may list or abort uploads, and some servers have no such list: the bucket's lifecycle
    /// removes what is left then, as nobody here can.
    /// </para>
    /// </summary>
    /// <exception cref="StoreException">The server does not answer, or lets this user do nothing at all, as with keys that are wrong.</exception>
    public async Task TryAbortAllAsync()
    {
        try
        {
            await AbortAllAsync();
        }
        catch (StoreException failure) when (failure.Error is StoreError.StoreDenied or StoreError.StoreFailed)
        {
            await FindAsync();
        }
    }

    /// <summary>No failure when it is gone.</summary>
    public Task AbortAsync(string uploadId) => TryAsync("abort of the upload", () => _client.AbortMultipartUploadAsync(
        new AbortMultipartUploadRequest { BucketName = Name, Key = key, UploadId = uploadId }));

    public Task DeleteAsync() => TryAsync(
        "removal of the object", () => _client.DeleteObjectAsync(new DeleteObjectRequest { BucketName = Name, Key = key }));

    /// <exception cref="StoreException">It failed.</exception>
    public Task<T> CallAsync<T>(string what, Func<AmazonS3Client, Task<T>> call) => CallAsync(what, () => call(_client));

    /// <summary>
    /// Makes the object on the condition that there is none, where the server knows it: one that does not may refuse the whole request.
    /// </summary>
    public async Task MakeAsync<T>(string what, Func<AmazonS3Client, string?, Task<T>> call)
    {
        try
        {
            await call(_client, "*");
        }
        catch (AmazonS3Exception failure) when (S3Fault.IsNotImplemented(failure))
        {
            await CallAsync(what, () => call(_client, null));
        }
        catch (Exception failure) when (S3Fault.IsOne(failure))
        {
            throw _fault.Of(failure, what);
        }
    }

    public void Dispose() => _client.Dispose();

    private async Task AbortAllAsync()
    {
        var request = new ListMultipartUploadsRequest { BucketName = Name, Prefix = key };
        while (await TryAsync("list of uploads", () => _client.ListMultipartUploadsAsync(request)) is { } page)
        {
            foreach (var upload in page.MultipartUploads ?? [])
            {
                if (upload.Key == key) await AbortAsync(upload.UploadId);
            }

            if (page.IsTruncated != true || string.IsNullOrEmpty(page.NextKeyMarker)) return;
            (request.KeyMarker, request.UploadIdMarker) = (page.NextKeyMarker, page.NextUploadIdMarker);
        }
    }

    private async Task<T> CallAsync<T>(string what, Func<Task<T>> call)
    {
        try
        {
            return await call();
        }
        catch (Exception failure) when (S3Fault.IsOne(failure))
        {
            throw _fault.Of(failure, what);
        }
    }

    private async Task<T?> TryAsync<T>(string what, Func<Task<T>> call)
        where T : class
    {
        try
        {
            return await call();
        }
        catch (Exception failure) when (S3Fault.IsNotFound(failure))
        {
            return null;
        }
        catch (Exception failure) when (S3Fault.IsOne(failure))
        {
            throw _fault.Of(failure, what);
        }
    }
}
