using Microsoft.Win32.SafeHandles;
using Sidecar.Import.Core;
using Sidecar.Import.Processes;
using Sidecar.Staging.Files;

namespace Sidecar.Import.Decompression;

/// <summary>
/// One way in which an image may be compressed, registered in <see cref="All"/>. Kinds are told by their first bytes, as
/// Glance does.
/// </summary>
internal abstract class Compression
{
    public const int MagicBytes = 16;

    private static readonly IReadOnlyList<Compression> All =
    [
        new GzipCompression(),
        new ZipCompression(),
        new LhaCompression(),
        // Of the xz file format 2.1.1.1, of RFC 8878 3.1.1, and of the LZ4 frame format 1.6.
        // Left alone, xz since 5.6 takes memory for every CPU.
        new ProgramCompression(Tool.Xz, "fd 37 7a 58 5a 00", "--threads=1"),
        new ProgramCompression(Tool.Zstd, "28 b5 2f fd"),
        new ProgramCompression(Tool.Lz4, "04 22 4d 18"),
        // "BZh", the level, and the digits of pi that begin the first block.
        new ProgramCompression(Tool.Bzip2, "42 5a 68 ?? 31 41 59 26 53 59"),
    ];

    /// <summary>For messages and facts.</summary>
    public abstract string Name { get; }

    /// <summary>Null when the file is not compressed.</summary>
    public static Compression? Detect(string path)
    {
        using var file = RegularFile.OpenToRead(path);
        var magic = new byte[MagicBytes];
        var length = RandomAccess.Read(file, magic, 0);
        return Detect(magic.AsSpan(0, length));
    }

    /// <summary>Null when these are not the first bytes of something compressed.</summary>
    public static Compression? Detect(ReadOnlySpan<byte> head)
    {
        foreach (var kind in All)
        {
            if (kind.Matches(head)) return kind;
        }

        return null;
    }

    /// <summary>The content. The file stays the caller's.</summary>
    /// <param name="start">Starts a program over the file, for what is not unpacked in this process.</param>
    /// <exception cref="ImportException">
    /// It is damaged, or of a kind that is not supported, or the program for it is not there.
    /// </exception>
    public abstract ValueTask<DecompressionReader> OpenAsync(SafeFileHandle file, StartFilter start);

    protected abstract bool Matches(ReadOnlySpan<byte> head);
}
