using Microsoft.Win32.SafeHandles;

namespace Sidecar.Import.Inspection;

/// <summary>
/// Bounded random access to the bytes of an image, for formats to judge. The same formats can run over a finished
/// file and over an upload that still grows: bytes behind the end of a finished file do not exist, bytes behind the
/// end of a growing one are <see cref="BytesPendingException">pending</see>.
/// </summary>
/// <param name="file">Open for reading; stays the caller's.</param>
/// <param name="available">Bytes that are there.</param>
/// <param name="complete">No more bytes will come.</param>
internal sealed class ImageBytes(SafeFileHandle file, long available, bool complete)
{
    /// <summary>Most that one read may ask for; a format that wants more is trusting a number in the image.</summary>
    public const int MaxReadBytes = 1 << 20;

    /// <summary>Length of the whole image.</summary>
    /// <exception cref="BytesPendingException">It is not known yet.</exception>
    public long Length => complete ? available : throw new BytesPendingException();

    /// <summary>Reads all that exists of a range, at most <see cref="MaxReadBytes"/>: short only at the end.</summary>
    /// <exception cref="BytesPendingException">Some of the range has not arrived yet.</exception>
    public ReadOnlyMemory<byte> Read(long offset, int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, MaxReadBytes);
        if (offset < 0) return default;
        if (!complete && offset > available - count) throw new BytesPendingException();
        var buffer = new byte[(int)Math.Clamp(available - offset, 0, count)];
        var done = 0;
        while (done < buffer.Length)
        {
            var read = RandomAccess.Read(file, buffer.AsSpan(done), offset + done);
            if (read == 0) break;
            done += read;
        }

        return buffer.AsMemory(0, done);
    }

    /// <summary>Whether these very bytes stand at the offset.</summary>
    public bool StartsWith(long offset, ReadOnlySpan<byte> magic) =>
        Read(offset, magic.Length).Span.SequenceEqual(magic);
}
