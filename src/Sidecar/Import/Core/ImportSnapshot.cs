namespace Sidecar.Import.Core;

/// <summary>One stage at one moment. Bytes are of the stage's input; a total of 0 is not known.</summary>
internal sealed record StageProgress(
    string Name, StageState State, long BytesDone, long BytesTotal, TimeSpan Elapsed);

/// <summary>An import at one moment; never changes.</summary>
internal sealed record ImportSnapshot(
    ImportRequest Request,
    ImportState State,
    IReadOnlyList<StageProgress> Stages,
    ImportResult? Result,
    ImportFailure? Failure,
    DateTimeOffset CreatedAt,
    DateTimeOffset? StartedAt,
    DateTimeOffset? FinishedAt)
{
    /// <summary>How often the daemon was killed while it ran.</summary>
    public int Kills { get; init; }

    public Guid ImportId => Request.ImportId;

    public bool IsFinished => State is ImportState.Succeeded or ImportState.Failed or ImportState.Cancelled;
}
