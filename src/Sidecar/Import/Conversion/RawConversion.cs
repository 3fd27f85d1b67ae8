using Microsoft.Extensions.Options;
using Sidecar.Import.Decompression;
using Sidecar.Import.Disks;
using Sidecar.Import.Hashing;
using Sidecar.Import.Inspection;
using Sidecar.Import.Inspection.Core;
using Sidecar.Import.Settings;
using Sidecar.Import.Stages;
using Sidecar.Staging.Files;
using Sidecar.Staging.Space;

namespace Sidecar.Import.Conversion;

/// <summary>
/// Converts to raw in one pass: qemu-nbd serves the disk in the image, and the same bytes are looked at, written without their
/// zeros, and digested. Or it only looks at the disk, where the conversion is left to those who write the output to a store.
/// </summary>
internal sealed class RawConversion(QemuNbd nbd, FormatValidator validator, IOptions<ImportOptions> options)
{
    // Of file systems, so that a hole of the image is one of the output.
    private const int PageBytes = 4096;

    // As far as the last mark that tells what a disk is: that of an ISO.
    private const int BeginningBytes = 64 << 10;

    private readonly ConversionOptions _options = options.Value.Conversion;

    /// <summary>Starts the program, which tells how much data there is; <see cref="RunAsync"/> goes on with it.</summary>
    public async Task<StagePlan> PlanAsync(ImportWork work, CancellationToken cancellationToken)
    {
        var source = work.Report!;
        if (source.VirtualSize > _options.MaxOutputBytes) throw QemuImg.TooLarge(_options.MaxOutputBytes);
        var disk = await nbd.ServeAsync(
            work.CurrentPath, source.DiskFormat, work.NewPath("nbd"),
            size => validator.CheckConvertedSize(size, DiskFormats.Raw, source.VirtualSize), cancellationToken);
        if (work.MayDefer) return new StagePlan(true, 0, 0) { Prepared = disk };
        var space = Math.Min(disk.Map.DataBytes, disk.Map.Size);
        return new StagePlan(true, space, source.VirtualSize) { Prepared = disk };
    }

    public async Task RunAsync(ImportWork work, StageRun run, CancellationToken cancellationToken)
    {
        var disk = (ServedDisk)run.Plan.Prepared!;
        if (work.MayDefer)
        {
            await Task.Factory.StartNew(() => Defer(disk, work), cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            return;
        }

        disk.Allow(_options.Timeout);
        var path = work.NewPath("converted");
        // On a thread of its own: it copies for minutes, which a pool thread should not.
        var digests = await Task.Factory.StartNew(
            () => Convert(disk, path, work, run), cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        Posix.SyncDirectory(work.Directory);
        run.Report(run.Plan.InputBytes);
        work.ReplaceConverted(path, DiskFormats.Raw, work.Report!.VirtualSize);
        foreach (var (algorithm, digest) in digests) work.CurrentDigests[algorithm] = digest;
    }

    // What a conversion would be refused for at once is refused; the rest is for those who write the disk to a store.
    private void Defer(ServedDisk disk, ImportWork work)
    {
        try
        {
            using var reader = disk.Read(1);
            foreach (var piece in reader.Read().Take(1)) LookInside(piece, work);
        }
        catch (NbdException failure)
        {
            throw disk.Describe(failure);
        }

        disk.Finish();
        work.Defer(disk.Map.Size);
    }

    private IReadOnlyList<KeyValuePair<string, string>> Convert(ServedDisk disk, string path, ImportWork work, StageRun run)
    {
        using var output = DurableFiles.OpenWritable(path, FileMode.Create);
        using var digests = new OutputDigests(work.WantedDigests);
        var writer = new SparseFileWriter(output, bytes => TakeSpace(run.Space, bytes), PageBytes);
        try
        {
            Copy(disk, writer, digests, work, run);
        }
        catch (NbdException failure)
        {
            throw disk.Describe(failure);
        }

        // It ends while this waits for the disk.
        disk.LetEnd();
        writer.Finish();
        disk.Finish();
        return digests.Finish();
    }

    private void Copy(ServedDisk disk, SparseFileWriter writer, OutputDigests digests, ImportWork work, StageRun run)
    {
        using var reader = disk.Read(_options.Coroutines);
        foreach (var piece in reader.Read())
        {
            if (piece.Offset == 0) LookInside(piece, work);
            if (piece.Data is { } data)
            {
                digests.Append(data.AsSpan(0, (int)piece.Length));
                writer.Append(data.AsSpan(0, (int)piece.Length));
            }
            else
            {
                digests.AppendZeros(piece.Length, disk.CheckRunning);
                writer.Skip(piece.Length);
            }

            run.Report(piece.End);
        }
    }

    /// <summary>
    /// Of an output that is raw, a program may guess what it is. What it would be refused for shows in its first bytes, before
    /// hours are spent on the rest.
    /// </summary>
    private void LookInside(DiskPiece first, ImportWork work)
    {
        var length = (int)Math.Min(first.Length, BeginningBytes);
        var beginning = first.Data?.AsMemory(0, length) ?? new byte[length];
        validator.CheckInside(new ImageBytes(beginning, complete: false), work.ToleratedChecks);
    }

    // The plan promised what the map said; a program that tells more later asks for it here.
    private static void TakeSpace(Reservation space, long bytes)
    {
        if (bytes > space.RemainingBytes) space.Grow(bytes - space.RemainingBytes);
        space.Consume(bytes);
    }
}
