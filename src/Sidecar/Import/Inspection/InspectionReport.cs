using Sidecar.Import.Inspection.Core;

namespace Sidecar.Import.Inspection;

/// <summary>What an image is.</summary>
/// <param name="Format">Detected format; <c>gpt</c> for a raw disk with a partition table.</param>
/// <param name="VirtualSize">Bytes that a guest would see; 0 where that is not known.</param>
/// <param name="FailedChecks">Empty when the image may be used.</param>
internal sealed record InspectionReport(string Format, long VirtualSize, IReadOnlyList<FailedCheck> FailedChecks)
{
    /// <summary>Of what is in a container, which nobody looks into.</summary>
    public static readonly InspectionReport NotInspected = new(DiskFormats.Raw, 0, []);

    /// <summary>What forbids to convert the image, though it may be used as it is.</summary>
    public IReadOnlyList<FailedCheck> Obstacles { get; init; } = [];

    /// <summary>
    /// The same bytes for one who says that they are a raw disk: a medium or an encrypted volume that a guest is to see as it
    /// is. Null where that would be a way to hide a format.
    /// </summary>
    public InspectionReport? AsRaw { get; init; }

    /// <summary>The createType of a VMDK, in lower case; empty for other formats.</summary>
    public string Subformat { get; init; } = "";

    /// <summary>The bytes are to be seen by a guest as they are, whatever format is wished for.</summary>
    public bool StaysAsItIs { get; init; }

    /// <summary>The format by the name that Glance has for it: a partitioned disk is a raw one.</summary>
    public string DiskFormat => Format == DiskFormats.Gpt ? DiskFormats.Raw : Format;

    /// <summary>Without the failed checks of boot records that somebody tolerates.</summary>
    public InspectionReport Tolerating(IReadOnlyCollection<string> names) => names.Count == 0 ? this : this with
    {
        FailedChecks = [.. FailedChecks.Where(check => !check.IsOfBootRecord || !names.Contains(check.Name))],
        AsRaw = AsRaw?.Tolerating(names),
    };

    /// <summary>What the image is to one who claims that it is of a format. Empty: nothing is claimed.</summary>
    public InspectionReport As(string claimed)
    {
        if (claimed == DiskFormats.Raw && AsRaw != null) return AsRaw;
        // The last bytes of a kernel's first sector may look like a boot record's: it is no disk, and has no partitions.
        return Format == DiskFormats.Gpt && DiskFormats.IsLeftAlone(claimed)
            ? this with { Format = DiskFormats.Raw, FailedChecks = [.. FailedChecks.Where(check => !check.IsOfBootRecord)] }
            : this;
    }
}
