using System.Buffers.Binary;
using Sidecar.Import.Inspection.Core;

namespace Sidecar.Import.Inspection.Formats;

/// <summary>
/// VMware's format ("Virtual Disk Format 5.0"): only single files that hold their own data. A descriptor of text may
/// name any file of the host as an extent (CVE-2022-47951), so files that are nothing but one are refused, and so is
/// a sparse one whose embedded descriptor speaks of anything but itself.
/// </summary>
internal sealed class VmdkFormat : ImageFormat
{
    private const int SectorBytes = 512;

    // QEMU reads the descriptor here whatever the header says.
    private const int DescriptorOffset = 512;

    // QEMU looks for the name of a parent in this many bytes, even when the header says that there are fewer.
    private const int MinScanBytes = 20 * SectorBytes;
    private const int TextProbeBytes = 2048;

    public override string Name => DiskFormats.Vmdk;

    protected override FormatVerdict Inspect(ImageBytes bytes, Checks checks)
    {
        if (bytes.StartsWith(0, "KDMV"u8)) return InspectSparse(bytes, checks);
        if (bytes.StartsWith(0, "COWD"u8))
        {
            checks.Recognise();
            checks.Require(false, "vmdk_version", "it is of the old COWD kind");
            return FormatVerdict.Match(0, checks);
        }

        if (!VmdkDescriptor.LooksLikeOne(bytes.Read(0, TextProbeBytes).Span)) return FormatVerdict.NoMatch;

        checks.Recognise();
        checks.Require(false, "vmdk_descriptor_only", "it is a text that names other files, not a disk");
        return FormatVerdict.Match(0, checks);
    }

    private static FormatVerdict InspectSparse(ImageBytes bytes, Checks checks)
    {
        checks.Recognise();
        if (VmdkHeader.TryRead(bytes, 0) is not { } header)
        {
            checks.Require(false, "vmdk_header", "its header is cut short");
            return FormatVerdict.Match(0, checks);
        }

        checks.Require(header.Version is >= 1 and <= 3, "vmdk_version", $"its version is {header.Version}");
        // Without a capacity QEMU takes the embedded descriptor for the disk, and follows its extents.
        checks.Require(header.Capacity > 0, "vmdk_capacity", "its capacity is zero");
        if (CheckDescriptorPlace(header, checks)) CheckDescriptor(bytes, header, checks);
        if (header.GrainDirectory == VmdkHeader.DirectoryAtEnd) CheckFooter(bytes, header, checks);
        var size = Math.Min(header.Capacity, ulong.MaxValue / SectorBytes) * SectorBytes;
        return FormatVerdict.Match(checks.VirtualSize(size, "vmdk_virtual_size", least: 1), checks);
    }

    private static bool CheckDescriptorPlace(VmdkHeader header, Checks checks) => checks.Require(
        header is { DescriptorSector: DescriptorOffset / SectorBytes, DescriptorSectors: > 0 }
            && header.DescriptorSectors < ImageBytes.MaxReadBytes / SectorBytes,
        "vmdk_descriptor",
        "its descriptor is not where it belongs, or too long");

    private static void CheckDescriptor(ImageBytes bytes, VmdkHeader header, Checks checks)
    {
        var length = (int)header.DescriptorSectors * SectorBytes;
        var text = bytes.Read(DescriptorOffset, Math.Max(length, MinScanBytes)).Span;
        checks.Require(text.Length >= length, "vmdk_descriptor", "its descriptor is cut short");
        VmdkDescriptor.Check(text[..Math.Min(length, text.Length)], text, checks);
    }

    /// <summary>The footer of a streamed disk overrides the header, so it must not say anything else.</summary>
    private static void CheckFooter(ImageBytes bytes, VmdkHeader header, Checks checks)
    {
        // Three sectors at the end: the marker of the footer, the footer, the marker of the end of the stream.
        var end = bytes.Length - (3 * SectorBytes);
        var footer = VmdkHeader.TryRead(bytes, end + SectorBytes);
        checks.Require(
            footer is { } read && read.IsSameDiskAs(header) && read.GrainDirectory != VmdkHeader.DirectoryAtEnd
                && IsMarker(bytes.Read(end, SectorBytes).Span, 3, requireEmpty: false)
                && IsMarker(bytes.Read(end + (2 * SectorBytes), SectorBytes).Span, 0, requireEmpty: true),
            "vmdk_footer",
            "its footer is missing or says other things than its header");
    }

    private static bool IsMarker(ReadOnlySpan<byte> sector, uint type, bool requireEmpty) =>
        sector.Length == SectorBytes
            && (!requireEmpty || BinaryPrimitives.ReadUInt64LittleEndian(sector) == 0)
            && BinaryPrimitives.ReadUInt32LittleEndian(sector[8..]) == 0
            && BinaryPrimitives.ReadUInt32LittleEndian(sector[12..]) == type
            && !sector[16..].ContainsAnyExcept((byte)0);
}
