using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.IO.Hashing;

namespace Sidecar.Staging.Files;

/// <summary>
/// CRC-32C (Castagnoli, RFC 3720 appendix B.4). Kept for every file because, unlike a cryptographic digest, its
/// state is four bytes: it can be stored beside a durable offset and continued after a restart.
/// </summary>
internal static class Crc32C
{
    public const string Name = "crc32c";

    private const uint Polynomial = 0x82F63B78; // 0x1EDC6F41 with its bits reversed

    private const uint InverseOfX32 = 0xD610D67E; // modulo the polynomial

    /// <summary>Value of no bytes at all.</summary>
    public const uint Empty = 0;

    public static uint Append(uint crc, ReadOnlySequence<byte> data)
    {
        var hash = Resume(crc);
        foreach (var segment in data) hash.Append(segment.Span);
        return hash.GetCurrentHashAsUInt32();
    }

    public static uint Append(uint crc, ReadOnlySpan<byte> data)
    {
        var hash = Resume(crc);
        hash.Append(data);
        return hash.GetCurrentHashAsUInt32();
    }

    /// <summary>
    /// As appending so many zero bytes, in the time of their number's logarithm: a zero bit multiplies the state by x
    /// modulo the polynomial, and powers of x are found by squaring. The library has nothing of the kind.
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

    // The library only begins at the beginning. Four bytes lead from there to any state: what they are XORed into is
    // multiplied by x^32.
    private static Crc32 Resume(uint crc)
    {
        var hash = new Crc32(Crc32ParameterSet.Crc32C);
        if (crc == Empty) return hash;
        Span<byte> prefix = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(prefix, ~Multiply(~crc, InverseOfX32));
        hash.Append(prefix);
        return hash;
    }

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
