using Sidecar.Import.Decompression;
using Sidecar.Import.Inspection;

namespace Sidecar.Import.Stages;

/// <summary>
/// The gate before everything else: tells what the current bytes are, and refuses what is unsafe or not what the
/// caller claims. The pipeline runs it first and again after every stage that made new bytes.
/// </summary>
internal sealed class InspectionStage(ImageInspector inspector, ImportMetrics metrics) : ImportStage
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

        if (report.FailedChecks.Count > 0)
        {
            foreach (var check in report.FailedChecks) metrics.InspectionRefused(report.Format, check.Name);
            throw Refuse(report);
        }

        if (work.ExpectedFormat.Length > 0 && !DiskFormats.Agree(work.ExpectedFormat, report.Format))
        {
            metrics.InspectionRefused(report.Format, "format_mismatch");
            throw Mismatch(work.ExpectedFormat, report, compression);
        }

        work.Report = report;
        return Task.CompletedTask;
    }

    private static ImportException Refuse(InspectionReport report)
    {
        var first = report.FailedChecks[0];
        var tooLarge = report.FailedChecks is [{ Name: ImageInspector.VirtualSizeLimit }];
        return new ImportException(
            tooLarge ? ImportError.VirtualSizeTooLarge : ImportError.ImageRefused,
            $"The {report.Format} image is refused by the check {first.Name}: {first.Reason}. "
            + "Make a self-contained image of an ordinary kind and stage that.",
            ("check", first.Name),
            ("checks", string.Join(',', report.FailedChecks.Select(check => check.Name).Distinct())),
            ("format", report.Format),
            ("virtual_size", report.VirtualSize));
    }

    private static ImportException Mismatch(string claimed, InspectionReport report, Compression? compression)
    {
        var detected = compression?.Name ?? report.DiskFormat;
        return new ImportException(
            ImportError.FormatMismatch,
            $"The image is said to be {claimed} and its content is {detected}. Name the format that it has"
            + (compression != null ? ", or import it with image_decompression." : "."),
            ("claimed", claimed),
            ("detected", detected));
    }
}
