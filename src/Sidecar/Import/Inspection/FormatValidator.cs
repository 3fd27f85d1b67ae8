using Microsoft.Win32.SafeHandles;
using Sidecar.Import.Core;
using Sidecar.Import.Decompression;
using Sidecar.Import.Inspection.Core;
using Sidecar.Import.Stages;
using Sidecar.Staging.Core;

namespace Sidecar.Import.Inspection;

/// <summary>
/// Refuses what is unsafe or not what the caller claims: whole images for the import, beginnings of images while they
/// are uploaded, or before. Of a beginning it refuses only what no byte that is still to come could mend.
/// </summary>
internal sealed class FormatValidator(ImageInspector inspector, ImportMetrics metrics)
{
    private const int SectorBytes = 512;
    private const string ConvertedSize = "converted_size";

    /// <summary>Checks an image against its report.</summary>
    /// <param name="claimed">Empty: nothing is claimed.</param>
    /// <param name="compression">That the image still has; null: none.</param>
    /// <returns>What the image is to one who claims that.</returns>
    /// <exception cref="ImportException">ImageRefused, VirtualSizeTooLarge, FormatMismatch.</exception>
    public InspectionReport Check(InspectionReport report, string claimed, string? compression)
    {
        var seen = report.As(claimed);
        if (seen.FailedChecks.Count > 0) throw Refuse(seen);
        if (compression == null && (claimed.Length == 0 || DiskFormats.Agree(claimed, seen.Format))) return seen;
        metrics.InspectionRefused(report.Format, "format_mismatch");
        throw Mismatch(claimed, compression ?? report.DiskFormat, compression != null);
    }

    /// <summary>
    /// Checks what a conversion made: of the format that was wished for, and no less of a disk than the image was. A format
    /// inside of another is refused whatever it is, as the caller claimed the outer one.
    /// </summary>
    /// <exception cref="ImportException">As of <see cref="Check"/>.</exception>
    public InspectionReport CheckConverted(InspectionReport report, string format, long virtualSize)
    {
        var outcome = Check(report.StaysAsItIs ? report with { AsRaw = null } : report, format, null);
        CheckConvertedSize(outcome.VirtualSize, format, virtualSize);
        return outcome;
    }

    /// <summary>Checks that a conversion finds as large a disk as the image said.</summary>
    /// <exception cref="ImportException">ImageRefused.</exception>
    public void CheckConvertedSize(long found, string format, long virtualSize)
    {
        // Every format of the output counts in sectors: the last one is filled up.
        if (found - virtualSize is >= 0 and < SectorBytes) return;
        metrics.InspectionRefused(format, ConvertedSize);
        throw new ImportException(
            ImportError.ImageRefused,
            $"The image says that its disk has {virtualSize} bytes, and the conversion to {format} found "
            + $"{found}: it is damaged, or made by a program that counts in another way. Convert it to raw or qcow2 "
            + "yourself and stage that.",
            ("check", ConvertedSize), ("checks", ConvertedSize), ("format", format), ("virtual_size", found));
    }

    /// <summary>
    /// Checks the first bytes of the disk in an image that is about to be converted to raw: what the output would be refused
    /// for is refused before hours are spent on making it.
    /// </summary>
    /// <param name="tolerated">Checks of boot records that do not count.</param>
    /// <exception cref="ImportException">As of <see cref="Check"/>.</exception>
    public void CheckInside(ImageBytes beginning, IReadOnlyCollection<string> tolerated)
    {
        if (inspector.InspectBeginning(beginning).Report?.Tolerating(tolerated) is not { } report) return;
        if (report.FailedChecks.Count > 0) throw Refuse(report);
        if (DiskFormats.Agree(DiskFormats.Raw, report.Format)) return;
        metrics.InspectionRefused(report.Format, "format_mismatch");
        throw new ImportException(
            ImportError.FormatMismatch,
            $"The image would be converted to raw, and the disk inside is {report.DiskFormat} itself, which would be taken for what "
            + "it is not. Stage what is inside by its own format.",
            ("claimed", DiskFormats.Raw), ("detected", report.DiskFormat));
    }

    /// <summary>
    /// Validates what there is, and tells what shows of it. Only a bare image is validated, and no compressed one that is to be
    /// unpacked.
    /// </summary>
    /// <exception cref="ImportException">As of <see cref="Check"/>.</exception>
    public ImageView View(ImageBytes bytes, ImageClaim claim) => Validate(bytes, claim).View;

    /// <summary>
    /// Checks the first bytes of what a stage makes, of which it is known that it is a disk, before all of it is made.
    /// </summary>
    /// <param name="claimed">Empty: nothing is claimed.</param>
    /// <param name="tolerated">Checks of boot records that do not count.</param>
    /// <returns>The format; empty where more bytes are needed to tell.</returns>
    /// <exception cref="ImportException">As of <see cref="Check"/>.</exception>
    public string CheckBeginning(ImageBytes beginning, string claimed, IReadOnlyCollection<string> tolerated) =>
        ValidateBeginning(beginning, claimed, tolerated).View.DiskFormat;

    /// <summary>For the staging area: as <see cref="ValidateImage"/> says.</summary>
    public ImageValidation Validate(ImageClaim claim, SafeFileHandle file, long available, bool complete)
    {
        try
        {
            return new ImageValidation(Validate(new ImageBytes(file, available, complete), claim).NeededBytes, null);
        }
        catch (ImportException refusal)
        {
            return new ImageValidation(long.MaxValue, refusal);
        }
    }

    private (ImageView View, long NeededBytes) Validate(ImageBytes bytes, ImageClaim claim)
    {
        if (claim.ContainerFormat is not ("" or ImportWork.Bare)) return (new ImageView("", "", 0), long.MaxValue);
        var head = bytes.Head(Compressions.MagicBytes);
        if (!DiskFormats.IsLeftAlone(claim.DiskFormat) && Compressions.Detect(head) is { } compression)
        {
            return (new ImageView("", compression.Name, 0), long.MaxValue);
        }

        var tolerated = claim.ToleratedChecks ?? [];
        if (bytes.IsComplete) return (ValidateWhole(bytes, claim.DiskFormat, tolerated), long.MaxValue);
        return head.Length < Compressions.MagicBytes
            ? (new ImageView("", "", 0), Compressions.MagicBytes)
            : ValidateBeginning(bytes, claim.DiskFormat, tolerated);
    }

    private ImageView ValidateWhole(ImageBytes bytes, string claimed, IReadOnlyCollection<string> tolerated)
    {
        var report = Check(inspector.Inspect(bytes)!.Tolerating(tolerated), claimed, null);
        return new ImageView(report.DiskFormat, "", report.VirtualSize);
    }

    private (ImageView View, long NeededBytes) ValidateBeginning(
        ImageBytes bytes, string claimed, IReadOnlyCollection<string> tolerated)
    {
        var seen = inspector.InspectBeginning(bytes);
        if (seen.Report?.Tolerating(tolerated) is { } found && IsFinal(found, seen.Excluded, claimed))
        {
            var report = Check(found, claimed, null);
            return (new ImageView(report.DiskFormat, "", report.VirtualSize), seen.NeededBytes);
        }

        // What it is may be open still, but not what it is not. So far it is a disk without a format.
        if (seen.Excluded.Contains(claimed))
        {
            metrics.InspectionRefused(DiskFormats.Raw, "format_mismatch");
            throw Mismatch(claimed, DiskFormats.Raw, compressed: false);
        }

        return (new ImageView("", "", 0), seen.NeededBytes);
    }

    // A format that matches stays one that matches, and a second one makes a polyglot of it. Only a boot record does not
    // count beside an ISO, or before the footer of a VHD, unless the claim and the bytes leave no room for either.
    private static bool IsFinal(InspectionReport report, IReadOnlyCollection<string> excluded, string claimed) =>
        report.Format != DiskFormats.Gpt
        || (report.FailedChecks.Count > 0 && claimed.Length > 0 && DiskFormats.Agree(claimed, DiskFormats.Raw)
            && !DiskFormats.IsLeftAlone(claimed) && excluded.Contains(DiskFormats.Iso));

    private ImportException Refuse(InspectionReport report)
    {
        foreach (var check in report.FailedChecks) metrics.InspectionRefused(report.Format, check.Name);
        var first = report.FailedChecks[0];
        var tooLarge = report.FailedChecks is [{ Name: ImageInspector.VirtualSizeLimit }];
        return new ImportException(
            tooLarge ? ImportError.VirtualSizeTooLarge : ImportError.ImageRefused,
            $"The {report.Format} image is refused by the check {first.Name}: {first.Reason}. "
            + (report.FailedChecks.All(check => check.IsOfBootRecord)
                ? $"Repair its partition table, or let the operator add {first.Name} to Import:ToleratedChecks."
                : "Make a self-contained image of an ordinary kind and stage that."),
            ("check", first.Name),
            ("checks", string.Join(',', report.FailedChecks.Select(check => check.Name).Distinct())),
            ("format", report.Format),
            ("virtual_size", report.VirtualSize));
    }

    private static ImportException Mismatch(string claimed, string detected, bool compressed) => new(
        ImportError.FormatMismatch,
        compressed
            ? $"The image is packed by {detected}, and no image_decompression comes first among the plugins of this import: have it "
            + "unpacked by that, or upload it unpacked."
            : $"The image is said to be {claimed} and its content is {detected}. Name the format that it has.",
        ("claimed", claimed),
        ("detected", detected));
}
