namespace Stagectl.Transfer;

/// <summary>What the user asked put to do.</summary>
/// <param name="MayExist">The id is the user's: an earlier run may have begun or finished the upload.</param>
/// <param name="Label">Names the source in progress and messages.</param>
/// <param name="DiskFormat">That the image is said to have; empty: nothing is said, and it is not checked.</param>
internal sealed record UploadRequest(
    string ImageId,
    bool MayExist,
    string Label,
    string ProjectId,
    string DiskFormat,
    string ContainerFormat,
    IReadOnlyDictionary<string, string> Digests,
    int ChunkBytes,
    bool Checksums);
