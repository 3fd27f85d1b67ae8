using Sidecar.Import.Decompression;
using Sidecar.Import.Inspection;
using Sidecar.Import.Inspection.Core;

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
        var compression = Compression.Detect(work.CurrentPath);
        if (compression != null && work.AwaitsDecompression) return Task.CompletedTask;
        work.IsOpaque = compression != null && work.ContainerFormat == ImportWork.Compressed;
        var report = inspector.InspectFile(work.CurrentPath);
        if (work.IsOpaque)
        {
            work.Report = new InspectionReport(DiskFormats.Raw, report.VirtualSize, []);
            return Task.CompletedTask;
        }

        validator.Check(report, work.ExpectedFormat, compression);
        work.Report = report;
        return Task.CompletedTask;
    }
}
