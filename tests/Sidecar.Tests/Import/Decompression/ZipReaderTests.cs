using System.IO.Compression;
using NUnit.Framework;
using Sidecar.Import.Core;
using Sidecar.Import.Decompression.Archives;
using Sidecar.Tests.Infrastructure;

namespace Sidecar.Tests.Import.Decompression;

internal sealed class ZipReaderTests : IDisposable
{
    private static readonly byte[] Content = [.. TestImages.Noise(100_000), .. new byte[200_000]];

    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [TestCase(CompressionLevel.Optimal)]
    [TestCase(CompressionLevel.NoCompression)]
    public void Read_OneMember_IsTheContent(CompressionLevel level) =>
        Assert.That(Unpack(Pack(level, "disk.img")), SameBytes.As(Content));

    [TestCase("-6")]
    [TestCase("-0")]
    public void Read_FileOfZip_IsTheContent(string level)
    {
        _directory.Write("disk.img", Content);
        CommandLine.RunIn(_directory.Path, "zip", "-q", level, "packed.zip", "disk.img");

        Assert.That(Unpack(File.ReadAllBytes(_directory["packed.zip"])), SameBytes.As(Content));
    }

    [Test]
    public void Read_Zip64FromStream_IsTheContent()
    {
        _directory.Write("disk.img", Content);
        CommandLine.RunIn(_directory.Path, "sh", "-c", "cat disk.img | zip -q packed.zip -");

        Assert.That(Unpack(File.ReadAllBytes(_directory["packed.zip"])), SameBytes.As(Content));
    }

    [Test]
    public void Read_MemberNamedLikeAPath_IsOnlyRead() =>
        Assert.That(Unpack(Pack(CompressionLevel.Fastest, "../../../etc/passwd")), SameBytes.As(Content));

    [Test]
    public void Open_TwoMembers_Refused() =>
        AssertRefused(Pack(CompressionLevel.Fastest, "one", "two"), ImportError.CompressionUnsupported);

    [Test]
    public void Open_Encrypted_Refused()
    {
        _directory.Write("disk.img", Content);
        CommandLine.RunIn(_directory.Path, "zip", "-q", "-P", "secret", "packed.zip", "disk.img");

        AssertRefused(File.ReadAllBytes(_directory["packed.zip"]), ImportError.CompressionUnsupported);
    }

    [TestCase(1)]
    [TestCase(30)]
    [TestCase(50_000)]
    public void Open_CutShort_Refused(int cut) =>
        AssertRefused(Pack(CompressionLevel.Fastest, "disk.img")[..^cut], ImportError.CompressedDataCorrupt);

    [Test]
    public void Read_ContentDamaged_Refused()
    {
        var packed = Pack(CompressionLevel.NoCompression, "disk.img");
        packed[5000] ^= 1;

        AssertRefused(packed, ImportError.CompressedDataCorrupt);
    }

    [Test]
    public void Read_DirectoryClaimsLessContent_Refused()
    {
        var packed = Pack(CompressionLevel.Fastest, "disk.img");
        var entry = packed.AsSpan().LastIndexOf("PK\x1\x2"u8);
        packed[entry + 26] = 1;

        AssertRefused(packed, ImportError.CompressedDataCorrupt);
    }

    [Test]
    public void Open_MemberNotAtTheFront_Refused() => AssertRefused(
        [.. "PK\x3\x4"u8, .. new byte[60], .. Pack(CompressionLevel.Fastest, "disk.img")],
        ImportError.CompressedDataCorrupt);

    [TestCase(0)]
    [TestCase(60_000)]
    public void Read_PackedByDeflate64_IsTheContent(int more)
    {
        // One literal, and a match of a length that only this method has: 3 and 16 bits.
        var bits = $"1{Lowest(1, 2)}10010001" + $"11000101{Lowest(more, 16)}00000" + "0000000";
        var packed = bits.Chunk(8).Select(part => (byte)part.Select((bit, i) => (bit - '0') << i).Sum()).ToArray();
        var content = Enumerable.Repeat((byte)'a', 1 + 3 + more).ToArray();
        _directory.Write("packed.deflate64", packed);
        _directory.Write("content", content);
        const string Make = """
            import struct, zlib
            packed, content = open("packed.deflate64", "rb").read(), open("content", "rb").read()
            shared = struct.pack("<HHHHHIIIHH", 45, 0, 9, 0, 33, zlib.crc32(content), len(packed), len(content), 1, 0)
            front = b"PK\3\4" + shared + b"d" + packed
            entry = b"PK\1\2" + struct.pack("<H", 45) + shared + struct.pack("<HHHII", 0, 0, 0, 0, 0) + b"d"
            end = b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(entry), len(front), 0)
            open("packed.zip", "wb").write(front + entry + end)
            """;
        CommandLine.RunIn(_directory.Path, "python3", "-c", Make);

        Assert.That(Unpack(File.ReadAllBytes(_directory["packed.zip"])), SameBytes.As(content));

        static string Lowest(int value, int count) =>
            string.Concat(Enumerable.Range(0, count).Select(bit => (value >> bit) & 1));
    }

    private static byte[] Pack(CompressionLevel level, params string[] names)
    {
        using var packed = new MemoryStream();
        using (var archive = new ZipArchive(packed, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var name in names)
            {
                using var member = archive.CreateEntry(name, level).Open();
                member.Write(Content);
            }
        }

        return packed.ToArray();
    }

    private void AssertRefused(byte[] packed, ImportError error) => Assert.That(
        () => Unpack(packed),
        Throws.InstanceOf<ImportException>().With.Property(nameof(ImportException.Error)).EqualTo(error));

    private byte[] Unpack(byte[] packed)
    {
        using var file = File.OpenHandle(_directory.Write("packed", packed));
        using var bytes = new ZipReader(file, "zip");
        using var content = new MemoryStream();
        var buffer = new byte[10_000];
        while (bytes.Read(buffer) is var count and > 0) content.Write(buffer, 0, count);
        return content.ToArray();
    }
}
