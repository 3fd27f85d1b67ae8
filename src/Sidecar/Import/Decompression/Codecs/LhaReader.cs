using Microsoft.Win32.SafeHandles;
using Sidecar.Import.Decompression.Core;

namespace Sidecar.Import.Decompression.Codecs;

/// <summary>What lhasa unpacks of one member, held against the length and the checksum in its header.</summary>
internal sealed class LhaReader(SafeFileHandle file, ProgramReader program, LhaMember member) : DecompressionReader(file, "lha")
{
    private static readonly ushort[] Table = [.. Enumerable.Range(0, 256).Select(Entry)];

    private ushort _crc;
    private long _count;

    public override long Consumed => program.Consumed;

    public override long? DeclaredLength => member.Bytes;

    public override void Dispose() => program.Dispose();

    protected override int Decode(Span<byte> buffer)
    {
        var count = program.Read(buffer);
        if (count == 0) return _count == member.Bytes && _crc == member.Crc ? 0 : throw Corrupt("the compressed data is damaged");
        _count += count;
        if (_count > member.Bytes) throw Corrupt("the compressed data is damaged");
        foreach (var next in buffer[..count]) _crc = (ushort)((_crc >> 8) ^ Table[(byte)(_crc ^ next)]);
        return count;
    }

    // CRC-16 of the reflected polynomial 0x8005, as ARC has it.
    private static ushort Entry(int index)
    {
        for (var bit = 0; bit < 8; bit++) index = (index & 1) != 0 ? (index >> 1) ^ 0xA001 : index >> 1;
        return (ushort)index;
    }
}
