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

    /// <summary>As appending so many zero bytes. The library has nothing of the kind.</summary>
    public static uint AppendZeros(uint crc, long count) => ~Multiply(PowerOfX8(count), ~crc);

    /// <summary>Of some bytes and the ones behind them, from the CRC of each, without a look at either.</summary>
    /// <param name="nextLength">Bytes that <paramref name="next"/> is of.</param>
    public static uint Combine(uint crc, uint next, long nextLength) => Multiply(PowerOfX8(nextLength), crc) ^ next;

    /// <summary>Goes on from a CRC, for who appends in many steps: each <see cref="Append(uint, ReadOnlySpan{byte})"/> allocates.</summary>
    public static Crc32 Resume(uint crc)
    {
        // The library only begins at the beginning. Four bytes lead from there to any state: what they are XORed into is
        // multiplied by x^32.
        var hash = new Crc32(Crc32ParameterSet.Crc32C);
        if (crc == Empty) return hash;
        Span<byte> prefix = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(prefix, ~Multiply(~crc, InverseOfX32));
        hash.Append(prefix);
        return hash;
    }

    public static string ToHex(uint crc) => crc.ToString("x8", CultureInfo.InvariantCulture);

    // A byte multiplies the state by x^8 modulo the polynomial. Powers are found by squaring, in the time of the number's logarithm.
    private static uint PowerOfX8(long count)
    {
        var power = 1u << 31; // x^0; the highest bit is the lowest power
        var square = 1u << 23; // x^8
        for (; count > 0; count >>= 1)
        {
            if ((count & 1) != 0) power = Multiply(power, square);
            square = Multiply(square, square);
        }

        return power;
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
