using Amazon.S3.Model;

namespace Sidecar.Stores.Writers.S3;

/// <summary>A part of a multipart upload that is under way, sent from the block's own memory.</summary>
internal sealed class S3Part(int number, Task<UploadPartResponse> upload) : IPendingWrite
{
    public int Number => number;

    /// <summary>What the server calls it; when it was waited for.</summary>
    public string ETag => upload.GetAwaiter().GetResult().ETag;

    // The one who waits is the thread that reads the image, which has nothing else to do then; the requests have others.
    public void Wait() => upload.GetAwaiter().GetResult();
}
