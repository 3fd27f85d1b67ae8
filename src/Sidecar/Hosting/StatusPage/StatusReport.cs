using System.Text.Json.Serialization;

namespace Sidecar.Hosting.StatusPage;

/// <summary>What the status page shows of this pod at one moment. Sizes are bytes, times are UTC.</summary>
internal sealed record StatusReport(
    string Pod,
    string Version,
    DateTimeOffset Now,
    DateTimeOffset StartedAt,
    string? Obstacle,
    CapacityReport Capacity,
    IReadOnlyList<UploadReport> Uploads,
    IReadOnlyList<ImportReport> Imports,
    ImagesReport Images,
    IReadOnlyList<PeerReport> Peers,
    IReadOnlyList<LoopReport> FailingLoops,
    DamagedReport Damaged,
    IReadOnlyList<LayerReport> Confinement,
    IReadOnlyList<ProblemReport> Problems);

/// <summary>The space ledger.</summary>
internal sealed record CapacityReport(
    string Directory, long TotalBytes, long FreeBytes, long ReservedBytes, long AvailableBytes, bool AcceptsUploads);

internal sealed record UploadReport(
    string ImageId, string State, long ReceivedBytes, long DurableBytes, long? DeclaredBytes, DateTimeOffset StartedAt,
    DateTimeOffset LastActiveAt, string ProjectId, string Failure);

internal sealed record ImportReport(
    string ImportId, string ImageId, string State, DateTimeOffset CreatedAt, DateTimeOffset? FinishedAt,
    IReadOnlyList<StageReport> Stages, string Failure);

internal sealed record StageReport(string Name, string State, long BytesDone, long BytesTotal, double Seconds);

/// <param name="Count">How many there are in all.</param>
/// <param name="Bytes">Of all of them.</param>
/// <param name="Oldest">The oldest ones, which are what somebody may have to look into.</param>
internal sealed record ImagesReport(int Count, long Bytes, IReadOnlyList<ImageReport> Oldest);

internal sealed record ImageReport(
    string ImageId, long Bytes, DateTimeOffset CommittedAt, string Origin, string ProjectId);

internal sealed record PeerReport(
    string Name, string Address, string State, DateTimeOffset Since, string Failure, string Version, ulong? FreeBytes,
    ulong? StagedImages);

/// <summary>A background loop whose last round failed.</summary>
internal sealed record LoopReport(string Name, DateTimeOffset Since, string Failure);

/// <param name="Count">How many there are in all.</param>
/// <param name="First">The first of them by name.</param>
internal sealed record DamagedReport(int Count, IReadOnlyList<DamagedRecordReport> First);

internal sealed record DamagedRecordReport(string Name, string Why, DateTimeOffset? SetAsideAt);

/// <summary>A layer of the confinement of imports' programs.</summary>
internal sealed record LayerReport(string Mechanism, bool Holds, string Missing);

internal sealed record ProblemReport(DateTimeOffset At, string Level, string Text);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(StatusReport))]
internal sealed partial class StatusJson : JsonSerializerContext;
