using System.Text.Json.Serialization;

namespace Sidecar.Stores.Writers;

/// <summary>
/// What the daemon tells the process that writes, as one line of JSON on its standard input: settings of a store are never
/// among the arguments, which other users of the machine can read.
/// </summary>
/// <param name="Discard">Nothing is written: what the store has of this source is removed.</param>
/// <param name="Path">The file to write; empty when it is a disk that a program serves.</param>
/// <param name="Size">Of what is written.</param>
/// <param name="Mark">What tells an image that was written from this source from all others.</param>
/// <param name="Name">The image's name in the store.</param>
/// <param name="PartName">Its name until it is whole.</param>
/// <param name="Digests">Digests to compute.</param>
/// <param name="Known">Digests that are known already: kept with the image.</param>
/// <param name="Crc32C">That the bytes must have, as hex; empty: not known.</param>
/// <param name="Rbd">Set when it goes to a Ceph pool.</param>
/// <param name="S3">Set when it goes to a bucket.</param>
/// <param name="Disk">Set when what is written is a disk that a program serves.</param>
/// <param name="PartOnly">What is removed is only what nobody takes for the image yet.</param>
/// <param name="Others">Writes of the same source to other stores, for which it is read once.</param>
internal sealed record WriteJob(
    bool Discard,
    string Path,
    long Size,
    string Mark,
    string Name,
    string PartName,
    IReadOnlyList<string> Digests,
    IReadOnlyDictionary<string, string> Known,
    string Crc32C,
    RbdJob? Rbd,
    S3Job? S3,
    DiskJob? Disk = null,
    bool PartOnly = false,
    IReadOnlyList<WriteJob>? Others = null)
{
    /// <summary>The argument by which the daemon's own program becomes the process that writes.</summary>
    public const string Role = "store";

    /// <summary>
    /// What its buffers take above that of other images: parts in a bucket have to be large where an image is very large.
    /// </summary>
    [JsonIgnore]
    public long MoreBytes => (Others ?? []).Aggregate(OwnMoreBytes, (most, other) => Math.Max(most, other.OwnMoreBytes));

    private long OwnMoreBytes => S3 is null ? 0 : Math.Max(0, BlockRing.BytesOf(S3Job.PartBytes(Size)) - BlockRing.MostBytes);
}

/// <summary>See <see cref="Core.RbdTarget"/>.</summary>
internal sealed record RbdJob(string ConfigurationFile, string User, string Pool, int Order, long ConnectSeconds)
{
    public static RbdJob Of(Core.RbdTarget target) => new(
        target.ConfigurationFile, target.User, target.Pool, target.Order, (long)Math.Ceiling(target.ConnectTimeout.TotalSeconds));
}

/// <summary>A program that serves a disk.</summary>
/// <param name="Directory">Of its socket.</param>
/// <param name="Requests">Reads that it serves at once.</param>
internal sealed record DiskJob(string Directory, int Requests);

/// <summary>What the process says, one line of JSON each: how far it is, and at its end a result or why there is none.</summary>
/// <param name="Done">Bytes of the file that the store has taken.</param>
/// <param name="Each">At the end of a job with others, of the job itself and of them in order.</param>
internal sealed record WriteReport(
    long? Done = null, WriteResult? Result = null, WriteFailure? Failure = null, IReadOnlyList<WriteReport>? Each = null);

/// <summary>What the store has now.</summary>
/// <param name="Digests">All that were asked for.</param>
internal sealed record WriteResult(
    long Size, IReadOnlyDictionary<string, string> Digests, IReadOnlyDictionary<string, string> Facts);

/// <summary>Why it was not written.</summary>
/// <param name="Reason">Name of a <see cref="Core.StoreError"/>.</param>
/// <param name="Detail">The store's own words, for the log.</param>
/// <param name="IsPartLeft">The store has a part of the image that could not be removed.</param>
/// <param name="DiskFault">Name of a <see cref="Import.Disks.NbdFault"/>, when it was the program that serves the disk.</param>
internal sealed record WriteFailure(string Reason, string Message, string Detail, bool IsPartLeft = false, string? DiskFault = null);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = false,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(WriteJob))]
[JsonSerializable(typeof(WriteReport))]
[JsonSerializable(typeof(Dictionary<string, string>))]
internal sealed partial class WriteJson : JsonSerializerContext;
