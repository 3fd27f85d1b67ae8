using System.Diagnostics;
using Microsoft.Extensions.Options;
using Sidecar.Import.Conversion;
using Sidecar.Import.Core;
using Sidecar.Import.Inspection.Core;
using Sidecar.Import.Settings;
using Sidecar.Import.Stages;
using Sidecar.Staging.Core;
using Sidecar.Staging.Files;
using Sidecar.Staging.Space;
using Sidecar.Telemetry;

namespace Sidecar.Import.Queue;

/// <summary>
/// Runs the stages of an import one after another: plan, reserve the space, run, and inspect again whenever there are
/// new bytes. Nothing is cleaned up here; the queue removes what is left of an import that failed.
/// </summary>
internal sealed class ImportPipeline(
    IEnumerable<ImportStage> stages,
    SpaceLedger space,
    StagingLayout layout,
    IOptions<ImportOptions> options,
    ImportMetrics metrics,
    ILogger<ImportPipeline> logger)
{
    private readonly Dictionary<string, ImportStage> _stages = stages.ToDictionary(stage => stage.Name);

    /// <summary>
    /// The stages of a request in the order in which they run: as asked for or configured, between the inspection
    /// that nothing comes before and the digests of what comes out, if the caller wants them. A signature is of what was
    /// staged, so it is verified before anything changes that; and whenever there is one, as Glance does.
    /// </summary>
    /// <exception cref="ImportException"><see cref="ImportError.UnknownStage"/>, InvalidRequest.</exception>
    public IReadOnlyList<string> Resolve(ImportRequest request)
    {
        var asked = request.Stages.Count > 0 ? request.Stages : options.Value.ResolvePlugins();
        foreach (var name in asked)
        {
            if (!_stages.ContainsKey(name)) throw Unknown(name);
        }

        if (asked.Distinct().Count() < asked.Count)
        {
            throw new ImportException(
                ImportError.InvalidRequest, "A stage is listed twice: list each once.", ("field", "stages"));
        }

        var signed = request.Signature != null || asked.Contains(SignatureStage.StageName);
        return
        [
            InspectionStage.StageName,
            .. signed ? (string[])[SignatureStage.StageName] : [],
            .. asked.Except([InspectionStage.StageName, SignatureStage.StageName, ChecksumStage.StageName]),
            .. request.WithoutDigests ? (string[])[] : [ChecksumStage.StageName],
        ];
    }

    /// <exception cref="OperationCanceledException">Cancelled; no child process is left.</exception>
    public async Task<ImportResult> RunAsync(ImportJob job, StagedImage image, CancellationToken cancellationToken)
    {
        var directory = layout.ImportDirectory(job.Request.ImportId);
        var target = job.Request.OutputDiskFormat.Length > 0 ? job.Request.OutputDiskFormat : options.Value.Conversion.OutputFormat;
        var work = new ImportWork(job.Request, image, layout.ImageFile(image.Id), directory)
        {
            WantedDigests = job.Stages.Contains(ChecksumStage.StageName) ? Digests(job.Request) : [],
            ConvertsTo = job.Stages.Contains(ConversionStage.StageName) ? target : "",
        };
        work.AwaitsDecompression = work.MayUnpack && UnpacksFirst(job.Stages);
        foreach (var name in job.Stages)
        {
            await RunStageAsync(job, work, _stages[name], cancellationToken);
            if (name == DecompressionStage.StageName) work.AwaitsDecompression = false;
            if (work.Report != null || work.AwaitsDecompression) continue;
            await RunStageAsync(job, work, _stages[InspectionStage.StageName], cancellationToken);
        }

        return Conclude(work);
    }

    private IReadOnlyList<string> Digests(ImportRequest request) =>
        request.Digests.Count > 0 ? [.. request.Digests.Distinct()] : options.Value.ResolveDigests();

    private static bool UnpacksFirst(IReadOnlyList<string> names) => names
        .FirstOrDefault(name => name is DecompressionStage.StageName or ConversionStage.StageName)
        is DecompressionStage.StageName;

    private async Task RunStageAsync(
        ImportJob job, ImportWork work, ImportStage stage, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        job.BeginStage(stage.Name);
        using var span = SidecarActivities.Start(stage.Name);
        var state = StageState.Failed;
        try
        {
            var plan = await stage.PlanAsync(work, cancellationToken);
            using var prepared = plan.Prepared;
            state = plan.Applies ? await ApplyAsync(job, work, stage, plan, cancellationToken) : StageState.Skipped;
        }
        catch (ImportException failure) when (failure.Detail.Length > 0)
        {
            logger.ToolSaid(job.Request.ImportId, stage.Name, Text.OneLine(failure.Detail));
            throw;
        }
        finally
        {
            var elapsed = job.EndStage(stage.Name, state);
            Describe(span, state, work);
            if (state != StageState.Skipped) metrics.StageEnded(stage.Name, state, elapsed);
            logger.StageEnded(job.Request.ImportId, stage.Name, state, elapsed.TotalSeconds);
        }
    }

    private async Task<StageState> ApplyAsync(
        ImportJob job, ImportWork work, ImportStage stage, StagePlan plan, CancellationToken cancellationToken)
    {
        job.SetTotal(stage.Name, plan.InputBytes);
        using var reservation = space.Reserve(plan.SpaceBytes);
        var run = new StageRun(plan, reservation, bytes => job.SetProgress(stage.Name, bytes));
        await stage.RunAsync(work, run, cancellationToken);
        metrics.StageRead(stage.Name, plan.InputBytes);
        return StageState.Succeeded;
    }

    private static void Describe(Activity? span, StageState state, ImportWork work)
    {
        if (span is null) return;
        span.SetTag("glance.stage.result", Reasons.Label(state));
        span.SetTag("glance.image.format", work.Report?.DiskFormat ?? "");
        if (state == StageState.Failed) span.SetStatus(ActivityStatusCode.Error);
    }

    private static ImportResult Conclude(ImportWork work)
    {
        var report = work.Report!;
        // A kernel looks raw, and what is in a container was not looked at. Both keep the name that the caller has for them.
        var claimed = work.Request.DiskFormat;
        var keepsName = claimed.Length > 0 && (work.IsOpaque || (work.IsStagedFile && DiskFormats.IsLeftAlone(claimed)));
        var format = keepsName ? claimed : report.DiskFormat;
        work.Rename(work.NewPath(format));
        if (!work.IsStagedFile) Posix.SyncDirectory(work.Directory);
        if (work.DeferredSize is { } size) return ConcludeDeferred(work, report.DiskFormat, size);
        return new ImportResult(
            format, work.ContainerFormat, work.CurrentLength, report.VirtualSize, work.Digests, work.Properties,
            work.CurrentPath, ConcludeSignature(work));
    }

    private static ImportResult ConcludeDeferred(ImportWork work, string format, long size) => new(
        DiskFormats.Raw, work.ContainerFormat, size, size, work.Digests, work.Properties, work.CurrentPath, ConcludeSignature(work),
        new DeferredConversion(format, work.CurrentLength));

    private static SignatureOutcome ConcludeSignature(ImportWork work)
    {
        if (!work.IsSignatureVerified) return SignatureOutcome.None;
        if (work.IsStagedFile && work.DeferredSize is null) return SignatureOutcome.OfOutput;
        work.Properties[ImageSignature.VerifiedProperty] = work.Request.Signature!.CertificateUuid;
        return SignatureOutcome.OfInput;
    }

    private ImportException Unknown(string name) => new(
        ImportError.UnknownStage,
        $"There is no stage {Text.Quote(name)}: use {string.Join(", ", _stages.Keys.Order())}.",
        ("stage", Text.OneLine(name)),
        ("known", string.Join(',', _stages.Keys.Order())));
}
