using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace Sidecar.Import.Decompression.Core;

/// <summary>Small reads all over a file, of which those that are near each other share one of the kernel's.</summary>
internal sealed class FileWindow(SafeFileHandle file)
{
    private const int WindowBytes = 1024;

    private byte[] _window = new byte[WindowBytes];
    private long _start;
    private int _filled;

    public long Length { get; } = RandomAccess.GetLength(file);

    /// <summary>What there is of a range; short at the end of the file, and empty outside of it.</summary>
    public ReadOnlySpan<byte> Read(long offset, int count)
    {
        if (offset < 0 || offset >= Length || count <= 0) return default;
        count = (int)Math.Min(count, Length - offset);
        if (offset < _start || offset + count > _start + _filled) Fill(offset, count);
        var at = (int)(offset - _start);
        return _window.AsSpan(at, Math.Min(count, _filled - at));
    }

    /// <summary>Null where the file ends before it.</summary>
    public uint? UInt32(long offset) =>
        Read(offset, sizeof(uint)) is { Length: sizeof(uint) } bytes ? BinaryPrimitives.ReadUInt32LittleEndian(bytes) : null;

    private void Fill(long offset, int count)
    {
        if (count > _window.Length) _window = new byte[count];
        (_start, _filled) = (offset, 0);
        while (_filled < _window.Length
            && RandomAccess.Read(file, _window.AsSpan(_filled), offset + _filled) is var read and > 0)
        {
            _filled += read;
        }
    }
}
