using System.IO.Compression;

namespace Sidecar.SoakTests.Ledger;

/// <summary>What is staged, and what an import makes of it.</summary>
/// <param name="Zeros">Where the bytes have zeros that are sent as a hole: offset and length; empty for none.</param>
/// <param name="DiskFormat">The claimed format.</param>
internal sealed record ImageContent(byte[] Bytes, byte[] Output, string DiskFormat, (int At, int Length) Zeros)
{
    private const int Chunk = 64 << 10;
    private const int SmallMax = 2 << 20;
    private const int LargeMax = 24 << 20; // a few of them fill the small volume

    private static readonly (byte[] Qcow2, byte[] Raw)[] Disks = [.. Enumerable.Range(1, 3).Select(QemuDisk.Create)];

    public static ImageContent Create(Random random) => random.Next(10) switch
    {
        < 5 => Raw(Noise(random, random.Next(1, SmallMax))),
        5 => Raw(Noise(random, random.Next(SmallMax, LargeMax))),
        6 => WithHole(random),
        7 => Zipped(random),
        _ => Disk(random),
    };

    private static ImageContent Raw(byte[] bytes) => new(bytes, bytes, "raw", default);

    private static ImageContent WithHole(Random random)
    {
        var bytes = Noise(random, 4 * Chunk);
        var hole = (At: Chunk, Length: random.Next(1, 2 * Chunk));
        bytes.AsSpan(hole.At, hole.Length).Clear();
        return new ImageContent(bytes, bytes, "raw", hole);
    }

    private static ImageContent Zipped(Random random)
    {
        var raw = Noise(random, random.Next(Chunk, SmallMax));
        using var zipped = new MemoryStream();
        using (var zip = new GZipStream(zipped, CompressionLevel.Fastest, leaveOpen: true)) zip.Write(raw);
        return new ImageContent(zipped.ToArray(), raw, "raw", default);
    }

    private static ImageContent Disk(Random random)
    {
        var (qcow2, raw) = Disks[random.Next(Disks.Length)];
        return new ImageContent(qcow2, raw, "qcow2", default);
    }

    // Begins with no magic of any format.
    private static byte[] Noise(Random random, int length)
    {
        var bytes = new byte[length];
        random.NextBytes(bytes);
        bytes[0] = 1;
        return bytes;
    }
}
