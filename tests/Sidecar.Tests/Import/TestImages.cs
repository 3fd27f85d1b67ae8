using System.IO.Compression;
using Sidecar.Tests.Infrastructure;

namespace Sidecar.Tests.Import;

/// <summary>Makes images of every kind in a directory, with real data in them.</summary>
internal static class TestImages
{
    public const int Megabyte = 1 << 20;

    /// <summary>A raw disk: data at the beginning and in the middle, holes elsewhere, no partition table.</summary>
    public static string Raw(this TempDirectory directory, string name = "disk.raw", int megabytes = 8, int seed = 1)
    {
        var data = new byte[Megabyte];
        new Random(seed).NextBytes(data);
        var path = directory[name];
        using var file = File.OpenHandle(path, FileMode.Create, FileAccess.Write);
        RandomAccess.Write(file, data, 0);
        RandomAccess.Write(file, data, (megabytes / 2 * Megabyte) + 12345);
        RandomAccess.SetLength(file, (long)megabytes * Megabyte);
        return path;
    }

    /// <summary>The same disk in another format, by qemu-img; its name there, and its options.</summary>
    public static string Convert(
        this TempDirectory directory, string raw, string format, string options = "", string name = "")
    {
        var path = directory[name.Length > 0 ? name : $"{Path.GetFileNameWithoutExtension(raw)}.{format}"];
        string[] choice = options.Length > 0 ? ["-o", options] : [];
        CommandLine.Run("qemu-img", ["convert", "-f", "raw", "-O", format, .. choice, raw, path]);
        return path;
    }

    /// <summary>An empty image by qemu-img, in the directory so that relative names in it stay relative.</summary>
    public static string Create(this TempDirectory directory, string name, params string[] arguments)
    {
        CommandLine.RunIn(directory.Path, "qemu-img", ["create", "-q", .. arguments, name, "10M"]);
        return directory[name];
    }

    public static string Write(this TempDirectory directory, string name, byte[] content)
    {
        File.WriteAllBytes(directory[name], content);
        return directory[name];
    }

    public static string Gzip(string path)
    {
        CommandLine.Run("gzip", "-1", "-k", path);
        return path + ".gz";
    }

    public static byte[] Gzip(byte[] content)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true)) gzip.Write(content);
        return packed.ToArray();
    }

    public static byte[] Noise(int bytes, int seed = 7)
    {
        var noise = new byte[bytes];
        new Random(seed).NextBytes(noise);
        return noise;
    }
}
