using Sidecar.Staging.Space;

namespace Sidecar.Import.Stages;

/// <summary>One run of a stage: its space and where it reports how far it is.</summary>
internal sealed class StageRun(StagePlan plan, Reservation space, Action<long> report)
{
    public StagePlan Plan { get; } = plan;

    public Reservation Space { get; } = space;

    /// <summary>Bytes of the input that are done. May be called often.</summary>
    public void Report(long bytesDone) => report(bytesDone);
}
