using System.Buffers.Binary;
using Sidecar.Staging.Files;

namespace Sidecar.FuzzTests.Targets;

/// <summary>A VHDX without blocks, of a third of a mebibyte: those of programs have megabytes of zeros between their tables.</summary>
internal static class VhdxSeed
{
    private const int Header = 64 << 10;
    private const int Regions = 192 << 10;
    private const int Log = 208 << 10;
    private const int LogBytes = 8 << 10;
    private const int Metadata = 224 << 10;
    private const int Items = 240 << 10;

    public static byte[] Make(bool pendingLog)
    {
        var disk = new byte[(224 + 64) << 10];
        "vhdxfile"u8.CopyTo(disk);
        if (pendingLog) WriteLog(disk);
        var header = disk.AsSpan(Header, 4096);
        "head"u8.CopyTo(header);
        BinaryPrimitives.WriteUInt64LittleEndian(header[8..], 7);
        if (pendingLog) header.Slice(48, 16).Fill(0x11);
        BinaryPrimitives.WriteInt32LittleEndian(header[68..], LogBytes);
        BinaryPrimitives.WriteInt64LittleEndian(header[72..], Log);
        Seal(header);
        WriteTable(disk.AsSpan(Regions), "regi"u8, 8, 16, ("8B7CA206-4790-4B9A-B8FE-575F050F886E", Metadata));
        WriteTable(
            disk.AsSpan(Metadata), "metadata"u8, 10, 32, ("CAA16737-FA36-4D43-B3B6-33F0AA44E76B", Items - Metadata),
            ("2FA54224-CD1B-4876-B211-5DBED83BF4B8", Items - Metadata + 8));
        BinaryPrimitives.WriteInt32LittleEndian(disk.AsSpan(Items), 1 << 20);
        BinaryPrimitives.WriteInt64LittleEndian(disk.AsSpan(Items + 8), 1 << 30);
        return disk;
    }

    private static void WriteLog(byte[] disk)
    {
        var entry = disk.AsSpan(Log, 4096);
        "loge"u8.CopyTo(entry);
        BinaryPrimitives.WriteInt32LittleEndian(entry[8..], 4096);
        entry.Slice(32, 16).Fill(0x11);
        Seal(entry);
    }

    private static void Seal(Span<byte> block) => BinaryPrimitives.WriteUInt32LittleEndian(block[4..], Crc32C.Append(Crc32C.Empty, block));

    private static void WriteTable(
        Span<byte> table, ReadOnlySpan<byte> signature, int countAt, int headerBytes, params (string Id, int Offset)[] entries)
    {
        signature.CopyTo(table);
        table[countAt] = (byte)entries.Length;
        for (var i = 0; i < entries.Length; i++)
        {
            var entry = table.Slice(headerBytes + (i * 32), 32);
            new Guid(entries[i].Id).TryWriteBytes(entry);
            BinaryPrimitives.WriteInt32LittleEndian(entry[16..], entries[i].Offset);
        }
    }
}
