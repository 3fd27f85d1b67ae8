using System.Buffers.Binary;
using Sidecar.Staging.Files;

namespace Sidecar.Staging.Uploads;

/// <summary>Up to <see cref="Offset"/> the data has this CRC-32C; in a journal it is on the disk as well.</summary>
internal readonly record struct DurablePoint(long Offset, uint Crc32C, Guid BootId, bool Failed);

/// <summary>A point as it lies in a file, with a checksum: a torn one is recognised.</summary>
internal static class PointRecord
{
    // magic 4 | checksum of the rest 4 | offset 8 | crc32c of the data 4 | flags 4 | boot id 16, little-endian
    public const int Bytes = 40;

    private const uint Magic = 0x314A5347; // "GSJ1"
    private const uint FailedFlag = 1;

    public static void Encode(DurablePoint point, Span<byte> record)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(record, Magic);
        BinaryPrimitives.WriteInt64LittleEndian(record[8..], point.Offset);
        BinaryPrimitives.WriteUInt32LittleEndian(record[16..], point.Crc32C);
        BinaryPrimitives.WriteUInt32LittleEndian(record[20..], point.Failed ? FailedFlag : 0);
        point.BootId.TryWriteBytes(record[24..]);
        BinaryPrimitives.WriteUInt32LittleEndian(record[4..], Crc32C.Append(Crc32C.Empty, record[8..]));
    }

    public static bool TryDecode(ReadOnlySpan<byte> record, out DurablePoint point)
    {
        point = new DurablePoint(
            BinaryPrimitives.ReadInt64LittleEndian(record[8..]),
            BinaryPrimitives.ReadUInt32LittleEndian(record[16..]),
            new Guid(record[24..]),
            (BinaryPrimitives.ReadUInt32LittleEndian(record[20..]) & FailedFlag) != 0);
        return BinaryPrimitives.ReadUInt32LittleEndian(record) == Magic
            && BinaryPrimitives.ReadUInt32LittleEndian(record[4..]) == Crc32C.Append(Crc32C.Empty, record[8..]);
    }
}
