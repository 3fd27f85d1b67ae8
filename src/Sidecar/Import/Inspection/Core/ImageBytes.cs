using Microsoft.Win32.SafeHandles;

namespace Sidecar.Import.Inspection.Core;

/// <summary>
/// Bounded random access to the bytes of an image, for formats to inspect. The same formats can run over a finished
/// file and over an upload that still grows: bytes behind the end of a finished file do not exist, bytes behind the
/// end of a growing one are <see cref="BytesPendingException">pending</see>.
/// </summary>
internal sealed class ImageBytes
{
    /// <summary>Most that one read may ask for; a format that wants more is trusting a number in the image.</summary>
    public const int MaxReadBytes = 1 << 20;

    private readonly SafeFileHandle? _file;
    private readonly ReadOnlyMemory<byte> _memory;
    private readonly long _available;
    private readonly bool _complete;

    /// <param name="file">Open for reading; stays the caller's.</param>
    /// <param name="available">Bytes that are there.</param>
    /// <param name="complete">No more bytes will come.</param>
    public ImageBytes(SafeFileHandle file, long available, bool complete) =>
        (_file, _available, _complete) = (file, available, complete);

    public ImageBytes(ReadOnlyMemory<byte> bytes, bool complete) =>
        (_memory, _available, _complete) = (bytes, bytes.Length, complete);

    /// <summary>Length of the whole image.</summary>
    /// <exception cref="BytesPendingException">It is not known yet.</exception>
    public long Length => _complete ? _available : throw new BytesPendingException(long.MaxValue);

    /// <summary>Length of the whole image; 0 while it is not known.</summary>
    public long KnownLength => _complete ? _available : 0;

    public bool IsComplete => _complete;

    /// <summary>Reads all that exists of a range, at most <see cref="MaxReadBytes"/>: short only at the end.</summary>
    /// <exception cref="BytesPendingException">Some of the range has not arrived yet.</exception>
    public ReadOnlyMemory<byte> Read(long offset, int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, MaxReadBytes);
        if (offset < 0) return default;
        if (!_complete && offset > _available - count) throw Pending(offset, count);
        var length = (int)Math.Clamp(_available - offset, 0, count);
        if (length == 0) return default;
        return _file is null ? _memory.Slice((int)offset, length) : ReadFile(_file, offset, length);
    }

    /// <summary>The first bytes, as many as there are of so many.</summary>
    public ReadOnlySpan<byte> Head(int count)
    {
        var length = (int)Math.Min(_available, count);
        return Read(0, length).Span;
    }

    /// <summary>Whether these very bytes stand at the offset.</summary>
    public bool StartsWith(long offset, ReadOnlySpan<byte> magic) =>
        Read(offset, magic.Length).Span.SequenceEqual(magic);

    // The offset may be a number out of the image.
    private static BytesPendingException Pending(long offset, int count) =>
        new(offset > long.MaxValue - count ? long.MaxValue : offset + count);

    private static ReadOnlyMemory<byte> ReadFile(SafeFileHandle file, long offset, int length)
    {
        var buffer = new byte[length];
        var done = 0;
        while (done < buffer.Length)
        {
            var read = RandomAccess.Read(file, buffer.AsSpan(done), offset + done);
            if (read == 0) break;
            done += read;
        }

        return buffer.AsMemory(0, done);
    }
}
