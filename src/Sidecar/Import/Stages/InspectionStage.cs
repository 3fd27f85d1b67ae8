using Sidecar.Import.Decompression;
using Sidecar.Import.Inspection;

namespace Sidecar.Import.Stages;

/// <summary>
/// Comes before everything else: tells what the current bytes are, and refuses what is unsafe or not what the
/// caller claims. The pipeline runs it first and again after every stage that made new bytes.
/// </summary>
internal sealed class InspectionStage(ImageInspector inspector, FormatValidator validator) : ImportStage
{
    public const string StageName = "image_inspection";

    public override string Name => StageName;

    public override Task<StagePlan> PlanAsync(ImportWork work, CancellationToken cancellationToken) =>
        Task.FromResult(new StagePlan(true, 0, 0));

    public override Task RunAsync(ImportWork work, StageRun run, CancellationToken cancellationToken)
    {
        if (work.IsOpaque)
        {
            work.Report = InspectionReport.NotInspected;
            return Task.CompletedTask;
        }

        var compression = work.MayUnpack ? Compressions.Detect(work.CurrentPath) : null;
        if (compression != null && work.AwaitsDecompression) return Task.CompletedTask;
        var report = inspector.InspectFile(work.CurrentPath).Tolerating(work.ToleratedChecks);
        work.Report = work.ExpectedVirtualSize is { } size
            ? validator.CheckConverted(report, work.ExpectedFormat, size)
            : validator.Check(report, work.ClaimOf(report), compression?.Name);
        return Task.CompletedTask;
    }
}
