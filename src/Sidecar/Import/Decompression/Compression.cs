using Microsoft.Win32.SafeHandles;

namespace Sidecar.Import.Decompression;

/// <summary>
/// One way in which an image may be compressed. One file per kind, registered in <see cref="All"/>. Kinds are told by
/// their first bytes, as Glance does.
/// </summary>
internal abstract class Compression
{
    public const int MagicBytes = 16;

    private static readonly IReadOnlyList<Compression> All = [new GzipCompression(), new ZipCompression()];

    /// <summary>For messages and facts.</summary>
    public abstract string Name { get; }

    /// <summary>Null when the file is not compressed.</summary>
    public static Compression? Detect(string path)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
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
    /// <exception cref="ImportException">It is damaged, or of a kind that is not supported.</exception>
    public abstract DecodedBytes Open(SafeFileHandle file);

    protected abstract bool Matches(ReadOnlySpan<byte> head);
}
