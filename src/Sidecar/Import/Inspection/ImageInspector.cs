using Sidecar.Import.Inspection.Core;
using Sidecar.Import.Inspection.Formats;
using Sidecar.Staging.Files;

namespace Sidecar.Import.Inspection;

/// <summary>
/// Tells what an image is, by its bytes alone, and whether it is safe to hand to other programs. Nothing else reads
/// an image before this has.
/// <para>
/// All formats look at the image, and more than one match is a polyglot: a file that one program takes for a
/// harmless disk and the next for a qcow2 that names a host file. Two pairs are no polyglots: an ISO that also boots
/// from a USB stick (iso + gpt), and a fixed VHD, which is a raw disk with a footer behind it (vhd + gpt).
/// </para>
/// </summary>
internal sealed class ImageInspector(long maxVirtualSize, IReadOnlyCollection<string> toleratedChecks)
{
    public const string VirtualSizeLimit = "virtual_size_limit";
    public const string Polyglot = "polyglot";

    private static readonly IReadOnlyList<ImageFormat> Formats =
    [
        new Qcow2Format(), new VmdkFormat(), new QedFormat(), new VhdFormat(), new VhdxFormat(), new VdiFormat(),
        new IsoFormat(), new LuksFormat(), new PloopFormat(), new GptFormat(),
    ];

    /// <summary>Inspects a finished file.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public InspectionReport InspectFile(string path)
    {
        using var file = RegularFile.OpenToRead(path);
        return Inspect(new ImageBytes(file, RandomAccess.GetLength(file), complete: true))!;
    }

    /// <summary>
    /// Inspects what there is of an image. Null while more bytes are needed to tell; a finished one is always told.
    /// </summary>
    public InspectionReport? Inspect(ImageBytes bytes)
    {
        var matches = new List<(ImageFormat Format, FormatVerdict Verdict)>();
        foreach (var format in Formats)
        {
            var verdict = format.Inspect(bytes);
            if (verdict.Undecided) return null;
            if (verdict.Matches) matches.Add((format, verdict));
        }

        return Report(matches, bytes);
    }

    /// <summary>
    /// Inspects what there is of a growing image: what shows by now, even where more bytes are needed to tell all.
    /// </summary>
    public PartialReport InspectBeginning(ImageBytes bytes)
    {
        var verdicts = Formats.Select(format => (Format: format, Verdict: format.Inspect(bytes))).ToList();
        var matches = verdicts.Where(inspected => inspected.Verdict.Matches).ToList();
        return new PartialReport(
            matches.Count > 0 ? Report(matches, bytes) : null,
            [
                .. verdicts.Where(inspected => inspected.Verdict is { Matches: false, Undecided: false })
                    .Select(inspected => inspected.Format.Name),
            ],
            verdicts.Where(inspected => inspected.Verdict.Undecided).Select(inspected => inspected.Verdict.NeededBytes)
                .DefaultIfEmpty(long.MaxValue).Min());
    }

    private InspectionReport Report(List<(ImageFormat Format, FormatVerdict Verdict)> matches, ImageBytes bytes)
    {
        var (name, found) = Resolve(matches, bytes);
        var isPolyglot = found.FailedChecks is [{ Name: Polyglot }];
        return Report(name, found) with
        {
            StaysAsItIs = name is DiskFormats.Iso or DiskFormats.Luks or DiskFormats.Ploop,
            AsRaw = isPolyglot ? null : ReportAsRaw(name, found, matches, bytes),
        };
    }

    private InspectionReport Report(string name, FormatVerdict found) =>
        new(name, found.VirtualSize, [.. found.FailedChecks
            .Where(check => !toleratedChecks.Contains(check.Name))
            .Concat(CheckLimit(found.VirtualSize))]) { Obstacles = found.Obstacles, Subformat = found.Subformat };

    /// <summary>
    /// What Glance lets a caller call raw although it is more, where no program that guesses would follow it elsewhere: a
    /// medium, a volume that only its owner can open, and a disk that happens to end in a footer.
    /// </summary>
    private InspectionReport? ReportAsRaw(
        string name, FormatVerdict found, List<(ImageFormat Format, FormatVerdict Verdict)> matches, ImageBytes bytes)
    {
        if (name is DiskFormats.Iso or DiskFormats.Luks)
        {
            return Report(DiskFormats.Raw, found with { VirtualSize = bytes.KnownLength }) with { StaysAsItIs = true };
        }

        if (!found.Wraps) return null;
        var inner = matches.Find(match => match.Format is GptFormat);
        return inner.Format is null
            ? Report(DiskFormats.Raw, InspectRaw(bytes)) : Report(inner.Format.Name, inner.Verdict);
    }

    private static (string Name, FormatVerdict Verdict) Resolve(
        List<(ImageFormat Format, FormatVerdict Verdict)> matches, ImageBytes bytes)
    {
        if (matches.Count == 0) return (DiskFormats.Raw, InspectRaw(bytes));
        var outer = matches[0];
        var alone = matches.Count == 1
            || (matches is [_, { Format: GptFormat }] && (outer.Format is IsoFormat || outer.Verdict.Wraps));
        if (alone) return (outer.Format.Name, outer.Verdict);
        var names = string.Join(", ", matches.Select(match => match.Format.Name));
        var polyglot = new FailedCheck(Polyglot, $"it is of several formats at once ({names})");
        return (outer.Format.Name, outer.Verdict with { FailedChecks = [polyglot] });
    }

    // Even nothing is a disk: Nova stages that for a machine that boots from a volume.
    private static FormatVerdict InspectRaw(ImageBytes bytes) => FormatVerdict.Match(bytes.KnownLength, new Checks());

    private IEnumerable<FailedCheck> CheckLimit(long virtualSize)
    {
        if (virtualSize <= maxVirtualSize) yield break;
        yield return new FailedCheck(
            VirtualSizeLimit, $"its virtual size is {virtualSize} bytes and at most {maxVirtualSize} are allowed");
    }
}
