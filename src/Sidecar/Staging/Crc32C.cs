using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;

namespace Sidecar.Staging;

/// <summary>
/// CRC-32C (Castagnoli, RFC 3720 appendix B.4). Kept for every file because, unlike a cryptographic digest, its
/// state is four bytes: it can be stored beside a durable offset and continued after a restart.
/// </summary>
internal static class Crc32C
{
    public const string Name = "crc32c";

    /// <summary>Value of no bytes at all.</summary>
    public const uint Empty = 0;

    public static uint Append(uint crc, ReadOnlySequence<byte> data)
    {
        foreach (var segment in data) crc = Append(crc, segment.Span);
        return crc;
    }

    public static uint Append(uint crc, ReadOnlySpan<byte> data)
    {
        crc = ~crc;
        while (data.Length >= sizeof(ulong))
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(data));
            data = data[sizeof(ulong)..];
        }

        foreach (var value in data) crc = BitOperations.Crc32C(crc, value);
        return ~crc;
    }

    public static string ToHex(uint crc) => crc.ToString("x8", CultureInfo.InvariantCulture);
}
