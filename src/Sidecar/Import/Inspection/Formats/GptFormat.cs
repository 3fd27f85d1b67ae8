using System.Buffers.Binary;
using Sidecar.Import.Inspection.Core;

namespace Sidecar.Import.Inspection.Formats;

/// <summary>
/// A raw disk with a master boot record, with or without a GUID partition table behind it. The checks are those of
/// oslo.utils, all of them fatal as there; the option <c>Import:ToleratedChecks</c> lets an operator take disks with odd boot records.
/// </summary>
internal sealed class GptFormat : ImageFormat
{
    private const int SectorBytes = 512;
    private const int TableOffset = 446;
    private const int EntryBytes = 16;
    private const int Entries = 4;
    private const byte ProtectiveType = 0xee;

    public override string Name => DiskFormats.Gpt;

    protected override FormatVerdict Inspect(ImageBytes bytes, Checks checks)
    {
        var sector = bytes.Read(0, SectorBytes).Span;
        if (sector.Length < SectorBytes || sector[510] != 0x55 || sector[511] != 0xaa) return FormatVerdict.NoMatch;
        // Behind a volume's first sector no partition table begins: that would be a disk that only looks like a volume.
        if (VolumeBootSector.IsOne(sector) && !bytes.StartsWith(SectorBytes, "EFI PART"u8)) return FormatVerdict.NoMatch;
        checks.Recognise();
        CheckTable(sector.Slice(TableOffset, Entries * EntryBytes), checks);
        return FormatVerdict.Match(bytes.KnownLength, checks);
    }

    private static void CheckTable(ReadOnlySpan<byte> table, Checks checks)
    {
        var used = 0;
        var protective = 0;
        for (var i = 0; i < Entries; i++)
        {
            var entry = table.Slice(i * EntryBytes, EntryBytes);
            checks.Require(entry[0] is 0 or 0x80, "mbr_boot_flag", $"partition {i + 1} has boot flag {entry[0]:x2}");
            if (entry[4] == 0) continue;
            used++;
            if (entry[4] != ProtectiveType) continue;
            protective++;
            CheckProtective(entry, i, checks);
        }

        checks.Require(used > 0, "mbr_partitions", "its boot record has no partition");
        checks.Require(
            protective == 0 || used == 1, "mbr_hybrid", "its protective partition is not the only one");
    }

    private static void CheckProtective(ReadOnlySpan<byte> entry, int index, Checks checks) => checks.Require(
        index == 0
            && entry[1] == 0 && entry[2] == 2 && entry[3] == 0
            && BinaryPrimitives.ReadUInt32LittleEndian(entry[8..]) == 1,
        "mbr_protective",
        "its protective partition does not begin where the GPT does");
}
