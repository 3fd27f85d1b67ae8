using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Sidecar.Import.Decompression;

/// <summary>
/// CRC-32 of gzip and zip (RFC 1952, section 8): by carry-less multiplication where the processor can (Intel, "Fast
/// CRC Computation Using PCLMULQDQ Instruction", 2009), else eight bytes at a time by tables.
/// </summary>
internal static class Crc32
{
    private const uint Polynomial = 0xedb88320;
    private const int Slices = 8;
    private const int MinFoldBytes = 64;
    private static readonly uint[][] Tables = BuildTables();

    public static uint Append(uint crc, ReadOnlySpan<byte> data)
    {
        crc = ~crc;
        if (Pclmulqdq.IsSupported && data.Length >= MinFoldBytes) crc = Fold(crc, ref data);
        return ~AppendByTables(crc, data);
    }

    /// <summary>Without the inversions at both ends.</summary>
    public static uint AppendByTables(uint crc, ReadOnlySpan<byte> data)
    {
        uint[] t0 = Tables[0], t1 = Tables[1], t2 = Tables[2], t3 = Tables[3];
        uint[] t4 = Tables[4], t5 = Tables[5], t6 = Tables[6], t7 = Tables[7];
        while (data.Length >= Slices)
        {
            var low = crc ^ BinaryPrimitives.ReadUInt32LittleEndian(data);
            var high = BinaryPrimitives.ReadUInt32LittleEndian(data[4..]);
            crc = t7[(byte)low] ^ t6[(byte)(low >> 8)] ^ t5[(byte)(low >> 16)] ^ t4[low >> 24]
                ^ t3[(byte)high] ^ t2[(byte)(high >> 8)] ^ t1[(byte)(high >> 16)] ^ t0[high >> 24];
            data = data[Slices..];
        }

        foreach (var value in data) crc = t0[(byte)(crc ^ value)] ^ (crc >> 8);
        return crc;
    }

    /// <summary>Folds whole blocks into 16 bytes that have the same remainder, and leaves the rest.</summary>
    private static uint Fold(uint crc, ref ReadOnlySpan<byte> data)
    {
        // x^n modulo the polynomial, bits reversed: for four vectors ahead, and for one.
        var four = Vector128.Create(0x154442bd4ul, 0x1c6e41596ul);
        var one = Vector128.Create(0x1751997d0ul, 0x0ccaa009eul);
        var vectors = MemoryMarshal.Cast<byte, Vector128<ulong>>(data);
        var a = vectors[0] ^ Vector128.CreateScalar(crc).AsUInt64();
        var (b, c, d) = (vectors[1], vectors[2], vectors[3]);
        data = data[(vectors.Length * Vector128<byte>.Count)..];
        for (vectors = vectors[4..]; vectors.Length >= 4; vectors = vectors[4..])
        {
            a = Ahead(a, four) ^ vectors[0];
            b = Ahead(b, four) ^ vectors[1];
            c = Ahead(c, four) ^ vectors[2];
            d = Ahead(d, four) ^ vectors[3];
        }

        a = Ahead(Ahead(Ahead(a, one) ^ b, one) ^ c, one) ^ d;
        foreach (var vector in vectors) a = Ahead(a, one) ^ vector;
        Span<byte> rest = stackalloc byte[Vector128<byte>.Count];
        a.AsByte().CopyTo(rest);
        return AppendByTables(0, rest);
    }

    private static Vector128<ulong> Ahead(Vector128<ulong> value, Vector128<ulong> by) =>
        Pclmulqdq.CarrylessMultiply(value, by, 0x00) ^ Pclmulqdq.CarrylessMultiply(value, by, 0x11);

    private static uint[][] BuildTables()
    {
        var tables = new uint[Slices][];
        for (var slice = 0; slice < Slices; slice++)
        {
            tables[slice] = new uint[256];
            for (uint value = 0; value < 256; value++)
            {
                tables[slice][value] = slice == 0 ? ShiftOut(value) : Next(tables, slice, value);
            }
        }

        return tables;
    }

    private static uint ShiftOut(uint value)
    {
        for (var bit = 0; bit < 8; bit++) value = (value >> 1) ^ ((value & 1) == 0 ? 0 : Polynomial);
        return value;
    }

    private static uint Next(uint[][] tables, int slice, uint value)
    {
        var previous = tables[slice - 1][value];
        return tables[0][(byte)previous] ^ (previous >> 8);
    }
}
