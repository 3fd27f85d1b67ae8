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

    private const uint Polynomial = 0x82F63B78; // 0x1EDC6F41 with its bits reversed

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

    /// <summary>
    /// As appending so many zero bytes, in the time of their number's logarithm: a zero bit multiplies the state by x
    /// modulo the polynomial, and powers of x are found by squaring.
    /// </summary>
    public static uint AppendZeros(uint crc, long count)
    {
        var power = 1u << 31; // x^0; the highest bit is the lowest power
        var square = 1u << 23; // x^8: one byte
        for (; count > 0; count >>= 1)
        {
            if ((count & 1) != 0) power = Multiply(power, square);
            square = Multiply(square, square);
        }

        return ~Multiply(power, ~crc);
    }

    public static string ToHex(uint crc) => crc.ToString("x8", CultureInfo.InvariantCulture);

    private static uint Multiply(uint a, uint b)
    {
        var product = 0u;
        for (var bit = 1u << 31; bit != 0; bit >>= 1)
        {
            if ((a & bit) != 0) product ^= b;
            b = (b & 1) != 0 ? (b >> 1) ^ Polynomial : b >> 1;
        }

        return product;
    }
}
