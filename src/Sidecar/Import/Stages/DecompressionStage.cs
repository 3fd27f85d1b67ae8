using System.Diagnostics;
using Microsoft.Extensions.Options;
using Microsoft.Win32.SafeHandles;
using Sidecar.Import.Core;
using Sidecar.Import.Decompression;
using Sidecar.Import.Decompression.Archives;
using Sidecar.Import.Decompression.Codecs;
using Sidecar.Import.Decompression.Core;
using Sidecar.Import.Processes;
using Sidecar.Staging.Core;
using Sidecar.Staging.Files;
using Sidecar.Staging.Space;

namespace Sidecar.Import.Stages;

/// <summary>
/// Unpacks an image that came compressed: gzip, zip and tar in this process, as the library's inflater holds a few kilobytes,
/// whatever the archive says, and what else there is by programs. Bounded in bytes, ratio and time.
/// </summary>
internal sealed class DecompressionStage(
    ChildRunner children, ChildMemory memory, IOptions<ImportOptions> options, ILogger<DecompressionStage> logger) : ImportStage
{
    public const string StageName = "image_decompression";

    private const int BufferBytes = 1 << 20;

    // Space is reserved in steps of this size, as the length of the content is not known before its end.
    private const long SpaceStepBytes = 64 << 20;

    // The presets of xz take up to 65 MiB, and zstd refuses windows over 128 MiB by itself.
    private const long MaxProgramBytes = 1L << 30;

    // A program's own buffers; and, in its address space only, its libraries and the stacks of its threads.
    private const long BufferMemoryBytes = 32 << 20;
    private const long OverheadBytes = 256 << 20;
    private const long ThreadOverheadBytes = 16 << 20;

    private readonly DecompressionOptions _options = options.Value.Decompression;

    public override string Name => StageName;

    public override Task<StagePlan> PlanAsync(ImportWork work, CancellationToken cancellationToken)
    {
        var applies = work.MayUnpack && Compressions.Detect(work.CurrentPath) != null;
        return Task.FromResult(applies ? new StagePlan(true, 0, work.CurrentLength) : StagePlan.Skip);
    }

    public override async Task RunAsync(ImportWork work, StageRun run, CancellationToken cancellationToken)
    {
        using var input = RegularFile.OpenToRead(work.CurrentPath);
        using var content = await Task.Run(() => OpenAsync(work, input, cancellationToken), cancellationToken);
        // On a thread of its own: it computes and writes for minutes, which a pool thread should not.
        await Task.Factory.StartNew(
            () => Decompress(content, work, run, cancellationToken),
            cancellationToken,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default);
    }

    private async Task<DecompressionReader> OpenAsync(
        ImportWork work, SafeFileHandle input, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        var reader = await Compressions.Detect(work.CurrentPath)!.OpenAsync(
            input,
            (tool, arguments, extent) => StartAsync(tool, arguments, extent, work, input, cancellationToken),
            () => CheckTime(started, cancellationToken));
        return new TarReader(input, reader);
    }

    private Task<ChildFilter> StartAsync(
        Tool tool, IReadOnlyList<string> arguments, Extent extent, ImportWork work, SafeFileHandle input,
        CancellationToken cancellationToken)
    {
        var (threads, needed) = Plan(tool, extent);
        var limits = new ChildLimits(
            needed + OverheadBytes + (threads * ThreadOverheadBytes), _options.Timeout * threads, 0, _options.Timeout)
        {
            PromisedBytes = needed,
        };
        if (threads > 1) arguments = [.. arguments, $"--threads={threads}", $"--memlimit-mt-decompress={needed}"];
        var command = new ChildCommand(tool, arguments, work.Directory, limits, _ => { }) { InputBytes = extent.End };
        return children.StartFilterAsync(command, input, cancellationToken);
    }

    /// <summary>
    /// How many threads a program may use, and the memory of all of them. More than one takes a share of the memory only, so that
    /// other imports need not wait for one that could do with less.
    /// </summary>
    private (long Threads, long MemoryBytes) Plan(Tool tool, Extent extent)
    {
        var needed = extent.MemoryBytes + BufferMemoryBytes;
        var most = Math.Min(MaxProgramBytes, memory.TotalBytes);
        if (needed > most) throw TooMuchMemory(tool, needed);
        if (extent.Blocks < 2) return (1, needed);
        var forEach = extent.BlockBytes + extent.MemoryBytes;
        var threads = Math.Min(Math.Min(extent.Blocks, Environment.ProcessorCount), ((most / 4) - needed) / forEach);
        return threads < 2 ? (1, needed) : (threads, needed + (threads * forEach));
    }

    private void Decompress(DecompressionReader content, ImportWork work, StageRun run, CancellationToken cancellationToken)
    {
        var path = work.NewPath("decompressed");
        using (var output = DurableFiles.OpenWritable(path, FileMode.Create))
        {
            if (content.DeclaredLength > _options.MaxOutputBytes) throw TooLarge();
            var writer = new SparseFileWriter(output, bytes => TakeSpace(run.Space, bytes));
            Copy(content, writer, run, cancellationToken);
            if (content.LeftOutBytes > 0) logger.LeftOut(work.Request.ImportId, content.LeftOutBytes);
            writer.Finish();
        }

        // What is packed twice would be a disk that no machine boots from.
        if (Compressions.Detect(path) is { } nested) throw UnsupportedCompression.Refusal($"{nested.Name} inside of another archive", nested.Name);
        Posix.SyncDirectory(work.Directory);
        work.Replace(path);
    }

    private void Copy(DecompressionReader content, SparseFileWriter writer, StageRun run, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        var buffer = new byte[BufferBytes];
        content.Continue = Continue;
        while (true)
        {
            Continue();
            var count = Fill(content, buffer);
            if (count == 0) break;
            CheckBounds(writer.Length + count, content);
            writer.Append(buffer.AsSpan(0, count));
            run.Report(content.Consumed);
        }

        void Continue()
        {
            CheckTime(started, cancellationToken);
            CheckBounds(writer.Length, content);
        }
    }

    private void CheckBounds(long output, DecompressionReader content)
    {
        var unpacked = output + content.SkippedBytes;
        if (unpacked > _options.MaxOutputBytes) throw TooLarge();
        CheckRatio(unpacked, content.Consumed);
    }

    private void CheckTime(long started, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (Stopwatch.GetElapsedTime(started) > _options.Timeout) throw TookTooLong();
    }

    // Whole buffers, so that zero blocks stay aligned.
    private static int Fill(DecompressionReader content, byte[] buffer)
    {
        var filled = 0;
        while (filled < buffer.Length && content.Read(buffer.AsSpan(filled)) is var count and > 0) filled += count;
        return filled;
    }

    private static void TakeSpace(Reservation space, long bytes)
    {
        var missing = bytes - space.RemainingBytes;
        if (missing > 0) Grow(space, missing);
        space.Consume(bytes);
    }

    private static void Grow(Reservation space, long bytes)
    {
        try
        {
            space.Grow(SpaceStepBytes);
        }
        catch (StagingException refused) when (refused.Error == StagingError.NoSpace && bytes < SpaceStepBytes)
        {
            // The last few bytes may still fit.
            space.Grow(bytes);
        }
    }

    private void CheckRatio(long output, long input)
    {
        if (output <= _options.RatioFloorBytes || output / Math.Max(1, input) < _options.MaxRatio) return;
        throw new ImportException(
            ImportError.RatioExceeded,
            $"The image expands to more than {_options.MaxRatio} times its compressed size: upload it uncompressed or "
            + "as qcow2, or raise Import:Decompression:MaxRatio.",
            ("ratio", output / Math.Max(1, input)),
            ("limit", _options.MaxRatio));
    }

    private ImportException TooMuchMemory(Tool tool, long needed) => new(
        ImportError.CompressionUnsupported,
        $"Unpacking the image takes {needed} bytes of memory, more memory than is allowed ({Math.Min(MaxProgramBytes, memory.TotalBytes)} "
        + "bytes). Compress it with a smaller window or dictionary, or give the pod more memory (Import:MaxMemoryBytes).",
        ("compression", ToolPaths.NameOf(tool)),
        ("needed", needed));

    private ImportException TooLarge() => new(
        ImportError.OutputTooLarge,
        $"The compressed image holds more than {_options.MaxOutputBytes} bytes, which is the limit "
        + "(Import:Decompression:MaxOutputBytes).",
        ("limit", _options.MaxOutputBytes));

    private ImportException TookTooLong() => new(
        ImportError.TimedOut,
        $"Decompressing the image took longer than {_options.Timeout.TotalSeconds:F0} seconds, which is the limit "
        + "(Import:Decompression:Timeout).",
        ("limit_seconds", (long)_options.Timeout.TotalSeconds));
}
