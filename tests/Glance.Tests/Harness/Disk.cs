using System.IO.Compression;
using Glance.Tests.Harness.Servers;

namespace Glance.Tests.Harness;

/// <summary>A guest's disk in the formats in which users bring it.</summary>
internal sealed class Disk
{
    private readonly string _directory;

    private Disk(string directory, byte[] raw) => (_directory, Raw) = (directory, raw);

    /// <summary>What the guest sees.</summary>
    public byte[] Raw { get; }

    /// <param name="data">Bytes of noise; as many zeros follow.</param>
    public static Disk Create(Site site, int data, int seed = 1)
    {
        var raw = new byte[2 * data];
        new Random(seed).NextBytes(raw.AsSpan(0, data));
        return new Disk(site.Scratch(Path.GetRandomFileName()), raw);
    }

    /// <summary>As qemu-img makes it.</summary>
    public async Task<byte[]> AsAsync(string format)
    {
        var (raw, converted) = (Path.Combine(_directory, "raw"), Path.Combine(_directory, format + "-disk"));
        await File.WriteAllBytesAsync(raw, Raw);
        await Command.RunAsync(["qemu-img", "convert", "-f", "raw", "-O", format, raw, converted]);
        return await File.ReadAllBytesAsync(converted);
    }

    public static byte[] Gzip(byte[] bytes, CompressionLevel level = CompressionLevel.Fastest)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, level)) gzip.Write(bytes);
        return packed.ToArray();
    }
}
