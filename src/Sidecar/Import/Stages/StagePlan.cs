namespace Sidecar.Import.Stages;

/// <summary>What a stage needs before it starts.</summary>
/// <param name="Applies">False: there is nothing to do, the stage is skipped.</param>
/// <param name="SpaceBytes">Reserved before it starts; it may grow that later.</param>
/// <param name="InputBytes">Total for its progress; 0 when it cannot tell.</param>
internal readonly record struct StagePlan(bool Applies, long SpaceBytes, long InputBytes)
{
    public static readonly StagePlan Skip = new(false, 0, 0);

    /// <summary>
    /// What the plan has begun and the run goes on with, such as a program that runs already. The pipeline disposes it, also when
    /// there is no space for the run.
    /// </summary>
    public IDisposable? Prepared { get; init; }
}
