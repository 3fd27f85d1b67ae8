namespace Stagectl.Transfer;

/// <summary>What the user asked put to do.</summary>
/// <param name="MayExist">The id is the user's: an earlier run may have begun or finished the upload.</param>
/// <param name="Label">Names the source in progress and messages.</param>
internal sealed record UploadRequest(
    string ImageId,
    bool MayExist,
    string Label,
    string ProjectId,
    IReadOnlyDictionary<string, string> Digests,
    int ChunkBytes,
    bool Checksums);
