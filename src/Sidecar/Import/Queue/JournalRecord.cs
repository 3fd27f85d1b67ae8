using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;
using Sidecar.Import.Conversion;
using Sidecar.Import.Core;
using Sidecar.Staging.Core;

namespace Sidecar.Import.Queue;

/// <summary>
/// An import on disk: its request, and what became of it. Names and enum names are a format: add, but never rename, or imports
/// of the version before are lost at an upgrade.
/// </summary>
internal sealed record JournalRecord : ImportRequest
{
    public const int CurrentVersion = 1;

    public JournalRecord()
    {
    }

    [SetsRequiredMembers]
    private JournalRecord(ImportRequest request) : base(request)
    {
    }

    public int Version { get; init; }

    public ImportState State { get; init; }

    [JsonPropertyName("stages")]
    public IReadOnlyList<StageProgress> Progress { get; init; } = [];

    public ImportResult? Result { get; init; }

    public ImportFailure? Failure { get; init; }

    public int Kills { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? StartedAt { get; init; }

    public DateTimeOffset? FinishedAt { get; init; }

    public static JournalRecord FromSnapshot(ImportSnapshot import) => new(import.Request)
    {
        Version = CurrentVersion,
        State = import.State,
        Progress = import.Stages,
        Result = import.Result,
        Failure = import.Failure,
        Kills = import.Kills,
        CreatedAt = import.CreatedAt,
        StartedAt = import.StartedAt,
        FinishedAt = import.FinishedAt,
    };

    /// <summary>What is wrong with it; null when it makes sense.</summary>
    public string? Flaw()
    {
        if (Version != CurrentVersion) return $"its version is {Version}";
        if (!Enum.IsDefined(State)) return $"its state is {(int)State}";
        if (State is ImportState.Succeeded && Result is null) return "it succeeded without a result";
        if (State is ImportState.Failed or ImportState.Cancelled && Failure is null) return "it failed without a failure";
        if (State is not (ImportState.Queued or ImportState.Running) && FinishedAt is null) return "it ended at no time";
        return FlawInside();
    }

    // Annotations are checked while it is read, but not those of what lists and dictionaries hold.
    private string? FlawInside()
    {
        if (Stages.Contains(null) || Digests.Contains(null) || UserRoles.Contains(null) || Rules?.Names.Contains(null) == true)
        {
            return "it holds a name that is null";
        }

        if (Progress.Any(stage => stage is null || !Enum.IsDefined(stage.State))) return "it holds a stage that is none";
        if (Failure is { } failure && (!Enum.IsDefined(failure.Error) || failure.Facts.Values.Contains(null)))
        {
            return "its failure is none";
        }

        if (Result is not { } result) return null;
        if (!Enum.IsDefined(result.Signature)) return "its result says of the signature what nobody knows";
        if (result.Deferred is { } deferred && (deferred.Length < 0 || !QemuFormats.AreReadable(deferred.Format)))
        {
            return "its result is to be made of what nobody can read";
        }

        return result.Digests.Values.Contains(null) || result.Properties.Values.Contains(null)
            ? "its result holds a value that is null"
            : null;
    }

    /// <summary>Of a record without a flaw.</summary>
    public ImportSnapshot ToSnapshot() =>
        new(AsRequest(), State, Progress, Result, Failure, CreatedAt, StartedAt, FinishedAt) { Kills = Kills };
}

[JsonSourceGenerationOptions(
    UseStringEnumConverter = true,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    Converters = [typeof(ImageIdConverter)],
    WriteIndented = true)]
[JsonSerializable(typeof(JournalRecord))]
internal sealed partial class JournalContext : JsonSerializerContext;
