using Microsoft.Extensions.Options;
using Microsoft.Win32.SafeHandles;
using Sidecar.Import.Core;
using Sidecar.Import.Decompression;
using Sidecar.Import.Decompression.Archives;
using Sidecar.Import.Decompression.Codecs;
using Sidecar.Import.Decompression.Core;
using Sidecar.Import.Hashing;
using Sidecar.Import.Inspection;
using Sidecar.Import.Inspection.Core;
using Sidecar.Import.Processes;
using Sidecar.Import.Processes.Limits;
using Sidecar.Import.Settings;
using Sidecar.Import.Tools;
using Sidecar.Staging.Core;
using Sidecar.Staging.Files;
using Sidecar.Staging.Space;

namespace Sidecar.Import.Stages;

/// <summary>
/// Unpacks an image that came compressed: gzip, zip and tar in this process, as the library's inflater holds a few kilobytes,
/// whatever the archive says, and what else there is by programs. Bounded in bytes, ratio and time. One pass: the same bytes
/// are inspected, written without their zeros, and hashed where they become the output.
/// </summary>
internal sealed class DecompressionStage(
    ChildRunner children, ToolPaths tools, ChildMemory memory, FormatValidator validator, IOptions<ImportOptions> options,
    ILogger<DecompressionStage> logger) : ImportStage
{
    public const string StageName = "image_decompression";

    private const int BufferBytes = 1 << 20;

    // Space is reserved in steps of this size, as the length of the content is not known before its end.
    private const long SpaceStepBytes = 64 << 20;

    private readonly DecompressionOptions _options = options.Value.Decompression;
    private readonly DecompressionPrograms _programs = new(children, tools, memory, options.Value.Decompression);

    public override string Name => StageName;

    public override Task<StagePlan> PlanAsync(ImportWork work, CancellationToken cancellationToken)
    {
        var applies = work.MayUnpack && Compressions.Detect(work.CurrentPath) != null;
        return Task.FromResult(applies ? new StagePlan(true, 0, work.CurrentLength) : StagePlan.Skip);
    }

    public override async Task RunAsync(ImportWork work, StageRun run, CancellationToken cancellationToken)
    {
        var limits = new DecompressionLimits(_options, cancellationToken);
        using var input = RegularFile.OpenToRead(work.CurrentPath);
        using var content = await Task.Run(() => OpenAsync(work, input, limits, cancellationToken), cancellationToken);
        // On a thread of its own: it computes and writes for minutes, which a pool thread should not.
        await Task.Factory.StartNew(
            () => Decompress(content, work, run, limits),
            cancellationToken,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default);
    }

    private async Task<DecompressionReader> OpenAsync(
        ImportWork work, SafeFileHandle input, DecompressionLimits limits, CancellationToken cancellationToken)
    {
        var reader = await Compressions.Detect(work.CurrentPath)!.OpenAsync(
            input,
            (tool, arguments, extent) => _programs.StartAsync(tool, arguments, extent, work.Directory, input, cancellationToken),
            limits.CheckTime);
        return new TarReader(input, reader);
    }

    private void Decompress(DecompressionReader content, ImportWork work, StageRun run, DecompressionLimits limits)
    {
        var path = work.NewPath("decompressed");
        IReadOnlyList<KeyValuePair<string, string>> digests;
        using (var output = DurableFiles.OpenWritable(path, FileMode.Create))
        {
            limits.CheckDeclared(content);
            var writer = new SparseFileWriter(output, bytes => TakeSpace(run.Space, bytes));
            digests = Copy(content, writer, work, run, limits);
            if (content.LeftOutBytes > 0) logger.LeftOut(work.Request.ImportId, content.LeftOutBytes);
            writer.Finish();
        }

        Posix.SyncDirectory(work.Directory);
        work.Replace(path);
        foreach (var (algorithm, digest) in digests) work.CurrentDigests[algorithm] = digest;
    }

    /// <returns>The digests of the content, where they are worth computing.</returns>
    private IReadOnlyList<KeyValuePair<string, string>> Copy(
        DecompressionReader content, SparseFileWriter writer, ImportWork work, StageRun run, DecompressionLimits limits)
    {
        var buffer = new byte[BufferBytes];
        content.Continue = Continue;
        Continue();
        var count = Fill(content, buffer);
        using var digests = new OutputDigests(Begin(work, buffer.AsMemory(0, count)) ? work.WantedDigests : []);
        while (count > 0)
        {
            limits.CheckBounds(writer.Length + count, content);
            digests.Append(buffer.AsSpan(0, count));
            writer.Append(buffer.AsSpan(0, count));
            run.Report(content.Consumed);
            Continue();
            count = Fill(content, buffer);
        }

        return digests.Finish();

        void Continue()
        {
            limits.CheckTime();
            limits.CheckBounds(writer.Length, content);
        }
    }

    /// <summary>
    /// Looks at the first bytes of the content: what it would be refused for is refused before hours are spent on the rest.
    /// </summary>
    /// <returns>Whether the content becomes the output, so that its digests are those that are asked for.</returns>
    private bool Begin(ImportWork work, ReadOnlyMemory<byte> head)
    {
        // What is packed twice would be a disk that no machine boots from.
        if (Compressions.Detect(head.Span) is { } nested)
        {
            throw UnsupportedCompression.Refusal($"{nested.Name} inside of another archive", nested.Name);
        }

        var claimed = work.Request.Rules is { AllowFormatMismatch: true } ? "" : work.ExpectedFormat;
        var format = validator.CheckBeginning(new ImageBytes(head, complete: false), claimed, work.ToleratedChecks);
        if (format.Length == 0) format = DiskFormats.Raw; // so far
        return work.WantsDigests && (work.ConvertsTo.Length == 0 || work.ConvertsTo == format);
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
}
