using System.Text.Json.Serialization;
using Sidecar.Import.Core;

namespace Sidecar.Import.Queue;

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

    /// <summary>What is wrong with it; null when it makes sense.</summary>
    public string? Flaw()
    {
        if (Version != CurrentVersion) return $"its version is {Version}";
        if (!Staging.Core.ImageId.TryParse(ImageId, out _)) return "its image id is none";
        if (!Enum.IsDefined(State)) return $"its state is {(int)State}";
        if (State is ImportState.Succeeded && Result is null) return "it succeeded without a result";
        if (State is ImportState.Failed or ImportState.Cancelled && Failure is null) return "it failed without a failure";
        if (State is not (ImportState.Queued or ImportState.Running) && FinishedAt is null) return "it ended at no time";
        return FlawInside();
    }

    // Annotations are checked while it is read, but not those of what lists and dictionaries hold.
    private string? FlawInside()
    {
        if (RequestedStages.Contains(null) || UserRoles.Contains(null)) return "it holds a name that is null";
        if (Stages.Any(stage => stage is null || !Enum.IsDefined(stage.State))) return "it holds a stage that is none";
        if (Failure is { } failure && (!Enum.IsDefined(failure.Error) || failure.Facts.Values.Contains(null)))
        {
            return "its failure is none";
        }

        return Result is { } result && (result.Digests.Values.Contains(null) || result.Properties.Values.Contains(null))
            ? "its result holds a value that is null"
            : null;
    }

    /// <summary>Of a record without a flaw.</summary>
    public ImportSnapshot ToSnapshot()
    {
        var request = new ImportRequest
        {
            ImportId = ImportId,
            ImageId = Staging.Core.ImageId.Parse(ImageId),
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
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    WriteIndented = true)]
[JsonSerializable(typeof(JournalRecord))]
internal sealed partial class JournalContext : JsonSerializerContext;
