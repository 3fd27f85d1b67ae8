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
    /// <summary>Checks a whole image against its report.</summary>
    /// <param name="claimed">Empty: nothing is claimed.</param>
    /// <exception cref="ImportException">ImageRefused, VirtualSizeTooLarge, FormatMismatch.</exception>
    public void Check(InspectionReport report, string claimed, Compression? compression)
    {
        if (report.FailedChecks.Count > 0)
        {
            foreach (var check in report.FailedChecks) metrics.InspectionRefused(report.Format, check.Name);
            throw Refuse(report);
        }

        if (claimed.Length == 0 || DiskFormats.Agree(claimed, report.Format)) return;
        metrics.InspectionRefused(report.Format, "format_mismatch");
        throw Mismatch(claimed, compression?.Name ?? report.DiskFormat, compression != null);
    }

    /// <summary>Validates what there is, and tells what shows of it. Only a bare image is validated, and no compressed one.</summary>
    /// <exception cref="ImportException">As of <see cref="Check"/>.</exception>
    public ImageView View(ImageBytes bytes, ImageClaim claim) => Validate(bytes, claim).View;

    /// <summary>For the staging area: as <see cref="ValidateImage"/> says.</summary>
    public ValidationResult Validate(ImageClaim claim, SafeFileHandle file, long available, bool complete)
    {
        try
        {
            return new ValidationResult(Validate(new ImageBytes(file, available, complete), claim).NeededBytes, null);
        }
        catch (ImportException refusal)
        {
            return new ValidationResult(long.MaxValue, refusal);
        }
    }

    private (ImageView View, long NeededBytes) Validate(ImageBytes bytes, ImageClaim claim)
    {
        if (claim.ContainerFormat is not ("" or ImportWork.Bare)) return (new ImageView("", "", 0), long.MaxValue);
        var head = bytes.Head(Compression.MagicBytes);
        if (Compression.Detect(head) is { } compression)
        {
            return (new ImageView("", compression.Name, 0), long.MaxValue);
        }

        if (bytes.IsComplete) return (ValidateWhole(bytes, claim.DiskFormat), long.MaxValue);
        return head.Length < Compression.MagicBytes
            ? (new ImageView("", "", 0), Compression.MagicBytes)
            : ValidateBeginning(bytes, claim.DiskFormat);
    }

    private ImageView ValidateWhole(ImageBytes bytes, string claimed)
    {
        var report = inspector.Inspect(bytes)!;
        Check(report, claimed, null);
        return new ImageView(report.DiskFormat, "", report.VirtualSize);
    }

    private (ImageView View, long NeededBytes) ValidateBeginning(ImageBytes bytes, string claimed)
    {
        var seen = inspector.InspectBeginning(bytes);
        if (seen.Report is { } report && IsFinal(report, claimed))
        {
            Check(report, claimed, null);
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
    // count beside an ISO, or before the footer of a VHD, unless the claim leaves no room for either.
    private static bool IsFinal(InspectionReport report, string claimed) =>
        report.Format != DiskFormats.Gpt
        || (report.FailedChecks.Count > 0 && claimed.Length > 0 && DiskFormats.Agree(claimed, DiskFormats.Raw));

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

    private static ImportException Mismatch(string claimed, string detected, bool compressed) => new(
        ImportError.FormatMismatch,
        $"The image is said to be {claimed} and its content is {detected}. Name the format that it has"
        + (compressed ? ", or import it with image_decompression." : "."),
        ("claimed", claimed),
        ("detected", detected));
}
