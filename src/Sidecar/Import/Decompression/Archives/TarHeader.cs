using System.Text;

namespace Sidecar.Import.Decompression.Archives;

/// <summary>The header before each entry of a tar archive (POSIX.1-2001 pax, ustar, GNU, and the seventh edition's).</summary>
/// <param name="Kind">The type flag.</param>
internal readonly record struct TarHeader(char Kind, long Bytes, string Name)
{
    public const int BlockBytes = 512;

    private const int NameBytes = 100;
    private const int SizeAt = 124;
    private const int SizeBytes = 12;
    private const int ChecksumAt = 148;
    private const int ChecksumBytes = 8;
    private const int KindAt = 156;
    private const int MagicAt = 257;
    private const int PrefixAt = 345;
    private const int PrefixBytes = 155;

    /// <summary>Null when these bytes are none: the checksum is wrong, or there is no name.</summary>
    public static TarHeader? Parse(ReadOnlySpan<byte> block)
    {
        if (block.Length < BlockBytes || block[0] == 0) return null;
        if (Number(block.Slice(ChecksumAt, ChecksumBytes)) is not { } checksum || checksum != Sum(block[..BlockBytes])) return null;
        if (Number(block.Slice(SizeAt, SizeBytes)) is not { } bytes) return null;
        var name = Text(block[..NameBytes]);
        var prefix = block[MagicAt..].StartsWith("ustar\0"u8) ? Text(block.Slice(PrefixAt, PrefixBytes)) : "";
        return new TarHeader((char)block[KindAt], bytes, prefix.Length > 0 ? $"{prefix}/{name}" : name);
    }

    private static long Sum(ReadOnlySpan<byte> block)
    {
        var sum = 0L;
        for (var i = 0; i < block.Length; i++)
        {
            sum += i is >= ChecksumAt and < ChecksumAt + ChecksumBytes ? ' ' : block[i];
        }

        return sum;
    }

    /// <summary>Octal digits; or, as GNU has it for what is larger, binary behind a first byte of 0x80.</summary>
    private static long? Number(ReadOnlySpan<byte> field)
    {
        var value = 0L;
        if (field[0] == 0x80)
        {
            foreach (var next in field[1..])
            {
                if (value >> 55 != 0) return null;
                value = (value << 8) | next;
            }

            return value;
        }

        var digits = Encoding.Latin1.GetString(field).Trim(' ', '\0');
        foreach (var digit in digits)
        {
            if (digit is < '0' or > '7') return null;
            value = (value << 3) | (uint)(digit - '0');
        }

        return value;
    }

    private static string Text(ReadOnlySpan<byte> field) =>
        Encoding.Latin1.GetString(field.IndexOf((byte)0) is var end and >= 0 ? field[..end] : field);
}
