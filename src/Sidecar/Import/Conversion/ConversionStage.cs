using Sidecar.Import.Inspection.Core;
using Sidecar.Import.Stages;
using Sidecar.Staging.Files;

namespace Sidecar.Import.Conversion;

/// <summary>
/// Converts the image by QEMU's programs, which are only shown images that have passed the inspection and are always told
/// their format: left to guess, they would open what the image wants them to.
/// </summary>
internal sealed class ConversionStage(QemuImg qemuImg, RawConversion raw) : ImportStage
{
    public const string StageName = "image_conversion";

    // glance-api is another user of the same group, and removes the file when it has it.
    private const UnixFileMode SharedFile =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;

    public override string Name => StageName;

    public override async Task<StagePlan> PlanAsync(ImportWork work, CancellationToken cancellationToken)
    {
        var source = work.Report!;
        var target = work.ConvertsTo;
        if (!ConversionRules.Applies(work, target)) return StagePlan.Skip;
        if (target == DiskFormats.Raw) return await raw.PlanAsync(work, cancellationToken);
        var allocated = await qemuImg.MeasureAsync(
            work.CurrentPath, source.DiskFormat, work.Directory, cancellationToken);
        // Data that does not compress grows a little when it is wrapped as streamOptimized.
        var space = target == DiskFormats.Vmdk ? allocated + (allocated / 50) : allocated;
        return new StagePlan(true, space, source.VirtualSize);
    }

    public override Task RunAsync(ImportWork work, StageRun run, CancellationToken cancellationToken) =>
        work.ConvertsTo == DiskFormats.Raw ? raw.RunAsync(work, run, cancellationToken) : ConvertAsync(work, run, cancellationToken);

    private async Task ConvertAsync(ImportWork work, StageRun run, CancellationToken cancellationToken)
    {
        var target = work.ConvertsTo;
        var path = work.NewPath("converted");
        var source = work.Report!;
        var conversion = new QemuConversion(work.CurrentPath, source.DiskFormat, path, target, work.Directory);
        var done = 0L;
        DurableFiles.OpenWritable(path, FileMode.Create).Dispose();
        try
        {
            await qemuImg.ConvertAsync(conversion, Report, cancellationToken);
        }
        catch
        {
            // The kernel keeps what a confined process was allowed to open for a moment after its end, and with it the space
            // of a file that is removed; what follows on a full volume needs that space at once.
            TryEmpty(path);
            throw;
        }

        // On the pool, as it may wait long for the disk; the data was left to the page cache until now.
        await Task.Run(() => ShareAndSync(path), CancellationToken.None);
        Posix.SyncDirectory(work.Directory);
        run.Report(run.Plan.InputBytes);
        work.ReplaceConverted(path, target, source.VirtualSize);

        // What is written is no longer promised but used. How much that is follows from how far qemu-img is.
        void Report(double part)
        {
            var now = (long)(run.Plan.SpaceBytes * part);
            if (now > done) run.Space.Consume(now - done);
            done = Math.Max(done, now);
            run.Report((long)(run.Plan.InputBytes * part));
        }
    }

    private static void TryEmpty(string path)
    {
        try
        {
            DurableFiles.OpenWritable(path, FileMode.Create).Dispose();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // It is removed in a moment.
        }
    }

    private static void ShareAndSync(string path)
    {
        using var output = RegularFile.OpenToWrite(path, FileMode.Open);
        File.SetUnixFileMode(output, SharedFile);
        Posix.Sync(output);
    }
}
