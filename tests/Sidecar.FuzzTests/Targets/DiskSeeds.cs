using System.Text;

namespace Sidecar.FuzzTests.Targets;

/// <summary>Small images of every format: most of them by qemu-img, and by hand what it cannot make, or not small enough.</summary>
internal static class DiskSeeds
{
    private const string Size = "64K";

    private static readonly (string Format, string Options)[] ByQemu =
    [
        ("qcow2", "compat=0.10"), ("qcow2", "compat=1.1"), ("qcow2", "extended_l2=on,compression_type=zstd"),
        ("qcow2", "backing_file=none.qcow2,backing_fmt=qcow2"), ("qcow2", "data_file=data.raw"), ("qed", ""), ("vdi", ""),
        ("vdi", "static=on"), ("parallels", ""), ("vmdk", "subformat=monolithicSparse"),
        ("vmdk", "subformat=streamOptimized"), ("vmdk", "subformat=monolithicFlat"), ("vmdk", "subformat=twoGbMaxExtentSparse"),
        ("vmdk", "compat6=on"), ("vpc", "subformat=dynamic"), ("vpc", "subformat=fixed"),
    ];

    public static IEnumerable<byte[]> Make()
    {
        using var directory = new SeedDirectory();
        foreach (var (format, options) in ByQemu) yield return Qemu(directory, format, options);
        yield return StreamOptimized(directory);
        yield return Luks1();
        yield return Luks2();
        yield return Iso();
        yield return BootRecord(0x83);
        yield return BootRecord(0xee);
        yield return VhdxSeed.Make(pendingLog: false);
        yield return VhdxSeed.Make(pendingLog: true);
        yield return Encoding.ASCII.GetBytes("# Disk DescriptorFile\nversion=1\ncreateType=\"monolithicFlat\"\nRW 128 FLAT \"d\" 0\n");
        yield return [];
    }

    private static byte[] Qemu(SeedDirectory directory, string format, string options)
    {
        var name = $"{format}-{options.GetHashCode(StringComparison.Ordinal):x}";
        directory.Run(
            "qemu-img", ["create", "-q", "-u", "-f", format, .. (string[])(options.Length > 0 ? ["-o", options] : []), name, Size]);
        return directory.Read(name);
    }

    // With a grain in it, and so with a footer.
    private static byte[] StreamOptimized(SeedDirectory directory)
    {
        directory.Write("data", Encoding.ASCII.GetBytes(new string('x', 64 << 10)));
        directory.Run("qemu-img", "convert", "-O", "vmdk", "-o", "subformat=streamOptimized", "-f", "raw", "data", "stream");
        return directory.Read("stream");
    }

    // qemu-img would measure for seconds how fast this machine derives keys.
    private static byte[] Luks1()
    {
        var header = new byte[1024];
        Encoding.Latin1.GetBytes("LUKS\xba\xbe\0\u0001aes").CopyTo(header, 0);
        Encoding.ASCII.GetBytes("xts-plain64").CopyTo(header, 40);
        (header[106], header[107], header[111]) = (0x10, 0x08, 64); // where the content begins, and the length of the key
        return header;
    }

    private static byte[] Luks2()
    {
        var header = new byte[32 << 10];
        Encoding.Latin1.GetBytes("LUKS\xba\xbe\0\u0002").CopyTo(header, 0);
        header[14] = 0x40; // 16 KiB for the first header and its text
        Encoding.ASCII.GetBytes("{\"segments\":{\"0\":{\"type\":\"crypt\",\"offset\":\"16384\",\"size\":\"dynamic\"}}}").CopyTo(header, 4096);
        return header;
    }

    private static byte[] Iso()
    {
        var volume = new byte[36 << 10];
        Encoding.ASCII.GetBytes("\u0001CD001\u0001").CopyTo(volume, 32 << 10);
        return volume;
    }

    private static byte[] BootRecord(byte partition)
    {
        var disk = new byte[2048];
        (disk[446], disk[450], disk[454], disk[458]) = (0x80, partition, 1, 3);
        (disk[510], disk[511]) = (0x55, 0xaa);
        Encoding.ASCII.GetBytes("EFI PART").CopyTo(disk, 512);
        return disk;
    }
}
