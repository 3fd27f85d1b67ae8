using System.Buffers.Binary;
using Sidecar.Import.Inspection.Core;

namespace Sidecar.Import.Inspection.Formats;

/// <summary>Hyper-V's format ([MS-VHDX]): file identifier, region table, metadata table, metadata items.</summary>
internal sealed class VhdxFormat : ImageFormat
{
    private const int RegionTableOffset = 192 << 10;
    private const int TableBytes = 64 << 10; // both tables are of this size by the specification
    private const int RegionHeaderBytes = 16;
    private const int MetadataHeaderBytes = 32;
    private const int EntryBytes = 32;
    private const int MaxEntries = 2047;
    private const uint HasParent = 2;

    private static readonly Guid MetadataRegion = new("8B7CA206-4790-4B9A-B8FE-575F050F886E");
    private static readonly Guid VirtualDiskSize = new("2FA54224-CD1B-4876-B211-5DBED83BF4B8");
    private static readonly Guid FileParameters = new("CAA16737-FA36-4D43-B3B6-33F0AA44E76B");

    public override string Name => DiskFormats.Vhdx;

    protected override FormatVerdict Inspect(ImageBytes bytes, Checks checks)
    {
        if (!bytes.StartsWith(0, "vhdxfile"u8)) return FormatVerdict.NoMatch;
        checks.Recognise();
        checks.Require(
            !VhdxLog.IsPending(bytes),
            "vhdx_log",
            "its machine was not shut down, or it was copied while that ran, and changes in its log are not in the disk yet");
        var metadata = FindMetadata(bytes);
        if (!checks.Require(metadata != null, "vhdx_header", "its metadata region cannot be found"))
        {
            return FormatVerdict.Match(0, checks);
        }

        var parameters = ReadItem(bytes, metadata!.Value, FileParameters, 8).Span;
        var flags = parameters.Length == 8 ? BinaryPrimitives.ReadUInt32LittleEndian(parameters[4..]) : HasParent;
        checks.Require((flags & HasParent) == 0, "vhdx_parent", "it has a parent disk, or does not say");
        var item = ReadItem(bytes, metadata.Value, VirtualDiskSize, 8).Span;
        var size = item.Length == 8 ? BinaryPrimitives.ReadUInt64LittleEndian(item) : 0;
        return FormatVerdict.Match(checks.VirtualSize(size, "vhdx_virtual_size", least: 1), checks);
    }

    private static long? FindMetadata(ImageBytes bytes)
    {
        var table = bytes.Read(RegionTableOffset, TableBytes).Span;
        if (table.Length < TableBytes || !table.StartsWith("regi"u8)) return null;
        var entry = FindEntry(
            table[RegionHeaderBytes..], BinaryPrimitives.ReadUInt32LittleEndian(table[8..]), MetadataRegion);
        if (entry.IsEmpty) return null;
        var offset = BinaryPrimitives.ReadInt64LittleEndian(entry[16..]);
        return bytes.StartsWith(offset, "metadata"u8) ? offset : null;
    }

    private static ReadOnlyMemory<byte> ReadItem(ImageBytes bytes, long metadata, Guid id, int count)
    {
        var table = bytes.Read(metadata, TableBytes).Span;
        if (table.Length < TableBytes) return default;
        var entry = FindEntry(
            table[MetadataHeaderBytes..], BinaryPrimitives.ReadUInt16LittleEndian(table[10..]), id);
        if (entry.IsEmpty) return default;
        return bytes.Read(metadata + BinaryPrimitives.ReadUInt32LittleEndian(entry[16..]), count);
    }

    private static ReadOnlySpan<byte> FindEntry(ReadOnlySpan<byte> entries, uint count, Guid id)
    {
        if (count > MaxEntries) return default;
        for (var i = 0; i < count && entries.Length >= EntryBytes; i++, entries = entries[EntryBytes..])
        {
            if (new Guid(entries[..16]) == id) return entries[..EntryBytes];
        }

        return default;
    }
}
