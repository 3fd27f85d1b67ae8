using Sidecar.Import.Core;
using Sidecar.Import.Inspection;
using Sidecar.Import.Inspection.Core;
using Sidecar.Staging.Core;
using Sidecar.Staging.Files;

namespace Sidecar.Import.Stages;

/// <summary>
/// What the stages of one import hand on to each other: the current file and what is known of it. A stage that makes
/// new bytes writes them to a file of its own in <see cref="Directory"/> and calls <see cref="Replace"/>.
/// </summary>
internal sealed class ImportWork(ImportRequest request, StagedImage image, string stagedPath, string directory)
{
    public const string Bare = "bare";
    public const string Compressed = "compressed";

    public ImportRequest Request { get; } = request;

    /// <summary>What was staged. Its file is never changed.</summary>
    public StagedImage Image { get; } = image;

    /// <summary>The import's own directory.</summary>
    public string Directory { get; } = directory;

    public string ContainerFormat { get; } = request.ContainerFormat.Length > 0 ? request.ContainerFormat : Bare;

    /// <summary>The file that the next stage reads.</summary>
    public string CurrentPath { get; private set; } = stagedPath;

    public bool IsStagedFile { get; private set; } = true;

    /// <summary>What the current file is; null until it was inspected.</summary>
    public InspectionReport? Report { get; set; }

    /// <summary>
    /// The container is no bare disk, so its bytes are its own business, as in Glance: nothing is looked for in them, and
    /// they are neither unpacked nor converted.
    /// </summary>
    public bool IsOpaque => ContainerFormat != Bare;

    /// <summary>A compressed image is to be unpacked. Of a kernel or a ramdisk the compression is a part.</summary>
    public bool MayUnpack => !IsOpaque && !DiskFormats.IsLeftAlone(Request.DiskFormat);

    /// <summary>
    /// image_decompression is still to come, so the current bytes need not be what the caller claims.
    /// </summary>
    public bool AwaitsDecompression { get; set; }

    /// <summary>Format that the current bytes must be of; empty when any will do.</summary>
    public string ExpectedFormat { get; private set; } = request.DiskFormat;

    /// <summary>Bytes that a guest of the converted disk must see; null before the conversion.</summary>
    public long? ExpectedVirtualSize { get; private set; }

    /// <summary>Checks of boot records that Glance's operator tolerates.</summary>
    public IReadOnlyCollection<string> ToleratedChecks => Request.Rules?.ToleratedChecks ?? [];

    /// <summary>Digests of the current file that are known, from its upload or from a stage that read or wrote all of it.</summary>
    public Dictionary<string, string> CurrentDigests { get; } = image.Digests.ToDictionary();

    /// <summary>The digests of the output that are asked for.</summary>
    public IReadOnlyList<string> WantedDigests { get; init; } = [];

    /// <summary>Digests of the output are asked for.</summary>
    public bool WantsDigests => WantedDigests.Count > 0;

    /// <summary>What a disk is converted to; empty where none is.</summary>
    public string ConvertsTo { get; init; } = "";

    /// <summary>A conversion to raw is left to those who write the output to a store.</summary>
    public bool MayDefer => Request.DefersConversion && ConvertsTo == DiskFormats.Raw;

    /// <summary>Bytes of the raw disk that the current file is to be converted to when it is written to a store; null: it is not.</summary>
    public long? DeferredSize { get; private set; }

    /// <summary>What the bytes must be of to one who insists on the claim; empty when any format will do.</summary>
    public string ClaimOf(InspectionReport report) =>
        Request.Rules is { AllowFormatMismatch: true } && !DiskFormats.Agree(ExpectedFormat, report.As(ExpectedFormat).Format)
            ? "" : ExpectedFormat;

    /// <summary>The signature of the request is that of the staged file.</summary>
    public bool IsSignatureVerified { get; set; }

    public Dictionary<string, string> Digests { get; } = [];

    public Dictionary<string, string> Properties { get; } = [];

    public long CurrentLength => RegularFile.TryLength(CurrentPath)
        ?? throw new FileNotFoundException($"{CurrentPath} is gone, or no regular file any more.", CurrentPath);

    /// <summary>Path for a stage's output.</summary>
    public string NewPath(string suffix) => Path.Combine(Directory, $"{Image.Id}.{suffix}");

    /// <summary>Goes on with another file, which is durable; removes the one before unless that was staged.</summary>
    public void Replace(string path)
    {
        if (!IsStagedFile) File.Delete(CurrentPath);
        (CurrentPath, IsStagedFile, Report, DeferredSize) = (path, false, null, null);
        CurrentDigests.Clear();
    }

    /// <summary>Goes on with what a conversion made, which must turn out to be just that.</summary>
    public void ReplaceConverted(string path, string format, long virtualSize)
    {
        Replace(path);
        (ExpectedFormat, ExpectedVirtualSize) = (format, virtualSize);
    }

    /// <summary>Goes on with the same file, of which the output is made when it is written to a store.</summary>
    /// <param name="size">Of the disk in it.</param>
    public void Defer(long size) => DeferredSize = size;

    /// <summary>Renames the current file in the import's directory; the staged one stays where it is.</summary>
    public void Rename(string path)
    {
        if (IsStagedFile || path == CurrentPath) return;
        File.Move(CurrentPath, path, overwrite: true);
        CurrentPath = path;
    }
}
