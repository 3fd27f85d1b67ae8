using System.Text;

namespace Sidecar.FuzzTests.Targets;

/// <summary>A small disk, packed in every way that is unpacked, by the programs that people use.</summary>
internal static class PackedSeeds
{
    private static readonly (string Program, string[] Arguments, string Packed)[] ByPrograms =
    [
        ("gzip", ["-k", "disk"], "disk.gz"), ("bzip2", ["-k", "disk"], "disk.bz2"), ("xz", ["-k", "disk"], "disk.xz"),
        ("xz", ["-k", "--block-size=4096", "--suffix=.xzb", "disk"], "disk.xzb"), ("xz", ["-k", "--format=lzma", "disk"], "disk.lzma"),
        ("zstd", ["-q", "-k", "disk"], "disk.zst"), ("zstd", ["-q", "-k", "--long=27", "-o", "disk.zstl", "disk"], "disk.zstl"),
        ("lz4", ["-q", "-k", "disk", "disk.lz4"], "disk.lz4"), ("lz4", ["-q", "-k", "-l", "disk", "disk.lz4l"], "disk.lz4l"),
        ("lz4", ["-q", "-k", "-BD", "-B4", "--content-size", "disk", "disk.lz4d"], "disk.lz4d"),
        ("zip", ["-q", "disk.zip", "disk"], "disk.zip"), ("zip", ["-q", "-0", "stored.zip", "disk"], "stored.zip"),
        ("zip", ["-q", "-fz", "zip64.zip", "disk"], "zip64.zip"), ("zip", ["-q", "-r", "two.zip", "folder", "disk"], "two.zip"),
        ("tar", ["-cf", "disk.tar", "disk"], "disk.tar"), ("tar", ["-czf", "disk.tgz", "disk"], "disk.tgz"),
        ("tar", ["--format=pax", "-cf", "disk.pax", "disk"], "disk.pax"), ("tar", ["-cSf", "sparse.tar", "sparse"], "sparse.tar"),
        ("tar", ["--format=gnu", "-cf", "long.tar", new string('n', 120)], "long.tar"),
        ("tar", ["-cf", "two.tar", "folder", "disk"], "two.tar"),
    ];

    public static IEnumerable<byte[]> Make()
    {
        using var directory = new SeedDirectory();
        var disk = new byte[20 << 10];
        new Random(1).NextBytes(disk.AsSpan(0, 512));
        directory.Write("disk", disk);
        directory.Write(new string('n', 120), Encoding.ASCII.GetBytes("content"));
        Directory.CreateDirectory(directory["folder"]);
        directory.Run("truncate", "-s", "1M", "sparse");
        foreach (var (program, arguments, packed) in ByPrograms)
        {
            directory.Run(program, arguments);
            yield return directory.Read(packed);
        }

        // A file of three bytes, stored: the header is of level 0.
        yield return [30, 0, .. "-lh0-"u8, 3, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0x20, 0, 8, .. "disk.raw"u8, 0x9a, 0x97, 1, 2, 3, 0];
        // Two members, and bytes of others behind them.
        yield return [.. directory.Read("disk.gz"), .. directory.Read("disk.gz"), .. "signature"u8];
        yield return [0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4, .. directory.Read("disk.zst")];
    }
}
