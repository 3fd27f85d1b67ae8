using System.Text.Json.Serialization;

namespace Sidecar.Import;

/// <summary>
/// An import on disk. Names and enum names are a format: add, but never rename, or imports of the version before are
/// lost at an upgrade.
/// </summary>
internal sealed record JournalRecord
{
    public const int CurrentVersion = 1;

    public int Version { get; init; }

    public Guid ImportId { get; init; }

    public string ImageId { get; init; } = "";

    public IReadOnlyList<string> RequestedStages { get; init; } = [];

    public string DiskFormat { get; init; } = "";

    public string ContainerFormat { get; init; } = "";

    public string OutputDiskFormat { get; init; } = "";

    public bool WithoutDigests { get; init; }

    public IReadOnlyList<string> UserRoles { get; init; } = [];

    public string RequestId { get; init; } = "";

    public ImportState State { get; init; }

    public IReadOnlyList<StageProgress> Stages { get; init; } = [];

    public ImportResult? Result { get; init; }

    public ImportFailure? Failure { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? StartedAt { get; init; }

    public DateTimeOffset? FinishedAt { get; init; }

    public static JournalRecord FromSnapshot(ImportSnapshot import) => new()
    {
        Version = CurrentVersion,
        ImportId = import.ImportId,
        ImageId = import.Request.ImageId.ToString(),
        RequestedStages = import.Request.Stages,
        DiskFormat = import.Request.DiskFormat,
        ContainerFormat = import.Request.ContainerFormat,
        OutputDiskFormat = import.Request.OutputDiskFormat,
        WithoutDigests = import.Request.WithoutDigests,
        UserRoles = import.Request.UserRoles,
        RequestId = import.Request.RequestId,
        State = import.State,
        Stages = import.Stages,
        Result = import.Result,
        Failure = import.Failure,
        CreatedAt = import.CreatedAt,
        StartedAt = import.StartedAt,
        FinishedAt = import.FinishedAt,
    };

    /// <summary>Null when it does not make sense.</summary>
    public ImportSnapshot? ToSnapshot()
    {
        if (Version != CurrentVersion || !Staging.ImageId.TryParse(ImageId, out var imageId)) return null;
        if (!Enum.IsDefined(State) || (State == ImportState.Succeeded && Result == null)) return null;
        var request = new ImportRequest
        {
            ImportId = ImportId,
            ImageId = imageId,
            Stages = RequestedStages,
            DiskFormat = DiskFormat,
            ContainerFormat = ContainerFormat,
            OutputDiskFormat = OutputDiskFormat,
            WithoutDigests = WithoutDigests,
            UserRoles = UserRoles,
            RequestId = RequestId,
        };
        return new ImportSnapshot(request, State, Stages, Result, Failure, CreatedAt, StartedAt, FinishedAt);
    }
}

[JsonSourceGenerationOptions(
    UseStringEnumConverter = true,
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    WriteIndented = true)]
[JsonSerializable(typeof(JournalRecord))]
internal sealed partial class JournalContext : JsonSerializerContext;
