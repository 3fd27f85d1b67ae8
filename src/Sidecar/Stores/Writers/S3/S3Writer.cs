using Amazon.S3.Model;
using Sidecar.Stores.Core;

namespace Sidecar.Stores.Writers.S3;

/// <summary>
/// Writes an image to a bucket: as a multipart upload, whose parts nobody sees until it is completed, or as one object where it is
/// no larger than a part. So whatever ends this process, an object by the image's name is whole; and one that carries the mark of its
/// source was written here, by this attempt or one before it. Digests are not kept with it: metadata is set when an upload begins.
/// </summary>
internal sealed class S3Writer : IStoreWriter
{
    private const string MarkKey = "glance-sidecar-source";

    private readonly S3Bucket _bucket;
    private readonly WriteJob _job;
    private readonly int _partBytes;
    private readonly List<S3Part> _parts = [];
    private string? _uploadId;
    private Block? _only;

    /// <exception cref="StoreException">No bucket can have it.</exception>
    public S3Writer(WriteJob job, S3Job place)
    {
        if (job.Size > S3Job.MostBytes)
        {
            throw new StoreException(StoreError.StoreUnsupported, $"S3 has no objects above {S3Job.MostBytes} bytes; the image has {job.Size}.");
        }

        _job = job;
        _partBytes = S3Job.PartBytes(job.Size);
        _bucket = new S3Bucket(place, job.Name);
        Facts = new Dictionary<string, string> { ["endpoint"] = place.Endpoint, ["bucket"] = place.Bucket };
    }

    /// <summary>A part, each of which is a block; a small image takes no more memory than it has bytes.</summary>
    public int BlockBytes => (int)Math.Clamp(_job.Size, 1, _partBytes);

    public IReadOnlyDictionary<string, string> Facts { get; }

    private bool HasParts => _job.Size > _partBytes;

    public async Task<Dictionary<string, string>?> ClaimAsync()
    {
        if (await _bucket.FindAsync() is not { } there) return null;
        if (IsOurs(there)) return [];
        throw Duplicate();
    }

    public async Task BeginAsync()
    {
        await _bucket.EnsureAsync();
        await _bucket.TryAbortAllAsync();
        if (!HasParts) return;
        var request = new InitiateMultipartUploadRequest { BucketName = _bucket.Name, Key = _bucket.Key };
        request.Metadata[MarkKey] = _job.Mark;
        _uploadId = (await _bucket.CallAsync("begin of the upload", client => client.InitiateMultipartUploadAsync(request))).UploadId;
    }

    public void Write(Block block)
    {
        if (!HasParts)
        {
            _only = block; // it stays as it is, as there is no other; sent when its digests are right
            return;
        }

        var number = _parts.Count + 1;
        var request = new UploadPartRequest
        {
            BucketName = _bucket.Name, Key = _bucket.Key, UploadId = _uploadId, PartNumber = number, PartSize = block.Count,
            InputStream = S3Body.Of(block), UseChunkEncoding = false, DisablePayloadSigning = _bucket.IsEncrypted,
        };
        // On another thread from its first byte: where the body is signed, all of it is digested before the call first waits.
        var part = new S3Part(number, Task.Run(() => _bucket.CallAsync($"part {number}", client => client.UploadPartAsync(request))));
        block.Await(part);
        _parts.Add(part);
    }

    /// <summary>
    /// The object appears here, unless there is one by now. A server that does not know the condition would put this in the place of what
    /// somebody made since the look right before: of a name that is an image's id, within one request's time.
    /// </summary>
    public async Task CompleteAsync(IReadOnlyDictionary<string, string> digests)
    {
        if (await _bucket.FindAsync() is { } there && !IsOurs(there)) throw Duplicate();
        StoreException? failed = null;
        try
        {
            await (HasParts ? CompletePartsAsync() : PutAsync());
        }
        catch (StoreException failure)
        {
            failed = failure;
        }

        // The answer may be lost, and one that says yes may have no as its body: what is there decides.
        if (await _bucket.FindAsync() is { } made && IsOurs(made)) return;
        throw failed ?? new StoreException(StoreError.StoreFailed, "The S3 server said that it has the image, and does not have it.");
    }

    public async Task AbandonAsync()
    {
        await (_uploadId is { } id ? _bucket.AbortAsync(id) : _bucket.TryAbortAllAsync());
        _uploadId = null;
    }

    public async Task DiscardAsync()
    {
        if (await _bucket.FindAsync() is { } there && there.Metadata[MarkKey] == _job.Mark) await _bucket.DeleteAsync();
        await _bucket.TryAbortAllAsync();
    }

    public void Dispose() => _bucket.Dispose();

    private bool IsOurs(GetObjectMetadataResponse there) => there.Metadata[MarkKey] == _job.Mark && there.ContentLength == _job.Size;

    private Task CompletePartsAsync() => _bucket.MakeAsync("end of the upload", (client, none) => client.CompleteMultipartUploadAsync(
        new CompleteMultipartUploadRequest
        {
            BucketName = _bucket.Name, Key = _bucket.Key, UploadId = _uploadId, IfNoneMatch = none,
            PartETags = [.. _parts.Select(part => new PartETag(part.Number, part.ETag))],
        }));

    private Task PutAsync() => _bucket.MakeAsync("PUT of the object", (client, none) =>
    {
        var request = new PutObjectRequest
        {
            BucketName = _bucket.Name, Key = _bucket.Key, InputStream = S3Body.Of(_only), IfNoneMatch = none, UseChunkEncoding = false,
            DisablePayloadSigning = _bucket.IsEncrypted,
        };
        request.Metadata[MarkKey] = _job.Mark;
        return client.PutObjectAsync(request);
    });

    private StoreException Duplicate() => new(
        StoreError.StoreDuplicate,
        $"The bucket has an object {_job.Name} that was not written from this source. It is left as it is: remove it if nobody needs it.");
}
