using Sidecar.Import.Decompression.Archives;
using Sidecar.Import.Decompression.Codecs;
using Sidecar.Import.Decompression.Core;
using Sidecar.Import.Tools;
using Sidecar.Staging.Files;

namespace Sidecar.Import.Decompression;

/// <summary>The ways in which an image may be compressed or packed, and those that are known and refused.</summary>
internal static class Compressions
{
    /// <summary>As many of the first bytes tell any of them.</summary>
    public const int MagicBytes = TarHeader.BlockBytes;

    private static readonly IReadOnlyList<Compression> All = CreateAll();

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

    private static Compression[] CreateAll()
    {
        var zstd = new ProgramCompression("zstd", Tool.Zstd, new BytePattern("28 b5 2f fd").Matches, ZstdFrames.Find);
        var lz4 = new ProgramCompression("lz4", Tool.Lz4, IsLz4, Lz4Frames.Find);
        return
        [
            new GzipCompression(),
            new ZipCompression(),
            // Left alone, xz since 5.6 takes memory for every CPU. Who starts it gives it more threads where there is memory.
            new ProgramCompression("xz", Tool.Xz, new BytePattern("fd 37 7a 58 5a 00").Matches, XzStreams.Find, "--threads=1"),
            new ProgramCompression("lzma", Tool.Xz, LzmaHeader.Matches, (file, _) => LzmaHeader.Find(file), "--threads=1", "--format=lzma"),
            zstd,
            lz4,
            new FramedCompression(zstd, lz4),
            new ProgramCompression("bzip2", Tool.Bzip2, IsBzip2, Bzip2Streams.Find),
            new LhaCompression(),
            .. Unsupported,
            new TarCompression(),
        ];
    }

    private static bool IsLz4(ReadOnlySpan<byte> head) =>
        new BytePattern("04 22 4d 18").Matches(head) || new BytePattern("02 21 4c 18").Matches(head);

    // "BZh", the level, and the digits of pi that begin the first block, or the root of it that ends an empty file.
    private static bool IsBzip2(ReadOnlySpan<byte> head) =>
        new BytePattern("42 5a 68 ?? 31 41 59 26 53 59").Matches(head) || new BytePattern("42 5a 68 ?? 17 72 45 38 50 90").Matches(head);

    private static IEnumerable<Compression> Unsupported =>
    [
        new UnsupportedCompression("7z", "37 7a bc af 27 1c"),
        new UnsupportedCompression("lzip", "4c 5a 49 50 01"),
        new UnsupportedCompression("rar", "52 61 72 21 1a 07"),
        new UnsupportedCompression("compress", "1f 9d 8c", "1f 9d 8d", "1f 9d 8e", "1f 9d 8f", "1f 9d 90"),
        new UnsupportedCompression("lzop", "89 4c 5a 4f 00 0d 0a 1a 0a"),
        new UnsupportedCompression("lrzip", "4c 52 5a 49 00"),
        new UnsupportedCompression("zpaq", "37 6b 53 74 a0 31 83 d3", "7a 50 51"),
        new UnsupportedCompression("cab", "4d 53 43 46 00 00 00 00"),
        new UnsupportedCompression("arj", "60 ea ?? ?? 1e ?? ?? ?? ?? ?? 02", "60 ea ?? ?? 22 ?? ?? ?? ?? ?? 02"),
        new UnsupportedCompression("xar", "78 61 72 21 00"),
        new UnsupportedCompression("wim", "4d 53 57 49 4d 00 00 00"),
        new UnsupportedCompression("snappy", "ff 06 00 00 73 4e 61 50 70 59"),
        new UnsupportedCompression("lzfse", "62 76 78 32", "62 76 78 2d", "62 76 78 6e", "62 76 78 31"),
        new UnsupportedCompression("cpio", "30 37 30 37 30 31", "30 37 30 37 30 32", "30 37 30 37 30 37"),
        new UnsupportedCompression("ar", "21 3c 61 72 63 68 3e 0a"),
        new UnsupportedCompression("rpm", "ed ab ee db"),
        new UnsupportedCompression("zstd before 0.8", "22 b5 2f fd", "23 b5 2f fd", "24 b5 2f fd", "25 b5 2f fd",
            "26 b5 2f fd", "27 b5 2f fd"),
        // Parts of an archive, and one that holds nothing.
        new UnsupportedCompression("split zip", "50 4b 07 08", "50 4b 30 30 50 4b 03 04"),
        new UnsupportedCompression("empty zip", "50 4b 05 06"),
    ];
}
