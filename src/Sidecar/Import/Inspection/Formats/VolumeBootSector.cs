using System.Buffers.Binary;

namespace Sidecar.Import.Inspection.Formats;

/// <summary>
/// Tells the boot sector of a file system that fills a whole disk from a master boot record: both end with 55 AA, but where the
/// latter has partitions the former has code. Floppies, memory cards and volumes of Windows begin so.
/// </summary>
internal static class VolumeBootSector
{
    private const int OemName = 3;
    private const int BytesPerSector = 11;
    private const int SectorsPerCluster = 13;
    private const int ReservedSectors = 14;
    private const int Fats = 16;
    private const int RootEntries = 17;
    private const int MediaDescriptor = 21;
    private const int SectorsPerFat = 22;
    private const int SectorsPerFat32 = 36;

    // exFAT keeps the place of the older parameters free, so that nobody takes it for FAT.
    private const int ExFatZeros = 53;

    public static bool IsOne(ReadOnlySpan<byte> sector) => IsFatOfOslo(sector) || (HasJump(sector) && HasParameters(sector));

    // What oslo.utils takes for a FAT file system, and so never checks.
    private static bool IsFatOfOslo(ReadOnlySpan<byte> sector) => sector[Fats] == 2 && sector[MediaDescriptor] == 0xf8;

    private static bool HasJump(ReadOnlySpan<byte> sector) => sector[0] == 0xe9 || (sector[0] == 0xeb && sector[2] == 0x90);

    private static bool HasParameters(ReadOnlySpan<byte> sector)
    {
        var name = sector.Slice(OemName, 8);
        if (name.SequenceEqual("EXFAT   "u8)) return !sector.Slice(BytesPerSector, ExFatZeros).ContainsAnyExcept((byte)0);
        var sectorBytes = Word(sector, BytesPerSector);
        var isVolume = sectorBytes is 512 or 1024 or 2048 or 4096
            && sector[SectorsPerCluster] != 0 && sector[MediaDescriptor] is 0xf0 or >= 0xf8;
        if (!isVolume) return false;
        return name.SequenceEqual("NTFS    "u8) ? IsNtfs(sector) : IsFat(sector);
    }

    private static bool IsNtfs(ReadOnlySpan<byte> sector) =>
        Word(sector, ReservedSectors) == 0 && sector[Fats] == 0 && Word(sector, RootEntries) == 0;

    // FAT32 has its root directory in a cluster, and a larger number for the length of its tables.
    private static bool IsFat(ReadOnlySpan<byte> sector) =>
        byte.IsPow2(sector[SectorsPerCluster]) && Word(sector, ReservedSectors) > 0 && sector[Fats] is 1 or 2
        && (Word(sector, SectorsPerFat) > 0
            ? Word(sector, RootEntries) > 0
            : BinaryPrimitives.ReadUInt32LittleEndian(sector[SectorsPerFat32..]) > 0);

    private static int Word(ReadOnlySpan<byte> sector, int offset) => BinaryPrimitives.ReadUInt16LittleEndian(sector[offset..]);
}
