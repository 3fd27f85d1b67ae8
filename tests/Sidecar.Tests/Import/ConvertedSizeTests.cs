using System.Buffers.Binary;
using NUnit.Framework;
using Sidecar.Import.Core;

namespace Sidecar.Tests.Import;

/// <summary>A converted disk has all the bytes that the image had.</summary>
internal sealed class ConvertedSizeTests : ImportTest
{
    private const int Megabytes = 20;

    // As many bytes as one thinks who goes by cylinders, heads and sectors: 8 KiB short.
    private static readonly byte[] ShortGeometry = [602 >> 8, 602 & 0xff, 4, 17];

    [TestCase("fixed", "vbox", "raw")]
    [TestCase("fixed", "vpc ", "qcow2")]
    [TestCase("fixed", "win ", "raw")]
    [TestCase("fixed", "????", "raw")]
    [TestCase("dynamic", "vbox", "raw")]
    [TestCase("dynamic", "d2v ", "vmdk")]
    [TestCase("dynamic", "qemu", "raw")]
    [CancelAfter(60_000)]
    public async Task Import_VhdOfAnyMaker_KeepsItsSize(
        string kind, string creator, string target, CancellationToken cancellationToken)
    {
        var raw = Directory.Raw(megabytes: Megabytes);
        var vhd = Directory.Convert(raw, "vpc", $"subformat={kind},force_size=on", "image, of another");
        SetCreator(vhd, creator);
        var request = Request(Stage(vhd)) with { DiskFormat = "vhd", OutputDiskFormat = target };

        var import = await RunAsync(request, cancellationToken);

        Assert.That(import.State, Is.EqualTo(ImportState.Succeeded), import.Failure?.Message);
        Assert.That(import.Result!.VirtualSize, Is.EqualTo(Megabytes * TestImages.Megabyte));
        AssertSameDisk(raw, "raw", import.Result.OutputPath, target);
    }

    [TestCase("raw", 1_000_001, "qcow2")]
    [TestCase("raw", 1_000_001, "vmdk")]
    [TestCase("raw", 0, "qcow2")]
    [TestCase("qcow2", 1_000_448, "raw")]
    [TestCase("qcow2", 0, "raw")]
    [TestCase("vmdk", 1_000_448, "raw")]
    [TestCase("vdi", 1_000_448, "raw")]
    [CancelAfter(60_000)]
    public async Task Import_AnySize_IsTheSameAfterwards(
        string format, int bytes, string target, CancellationToken cancellationToken)
    {
        var raw = Directory.Write("disk.raw", TestImages.Noise(bytes));
        var request = Request(Stage(format == "raw" ? raw : Directory.Convert(raw, format, name: "image"))) with
        {
            DiskFormat = format, OutputDiskFormat = target,
        };

        var import = await RunAsync(request, cancellationToken);

        Assert.That(import.State, Is.EqualTo(ImportState.Succeeded), import.Failure?.Message);
        Assert.That(import.Result!.VirtualSize, Is.EqualTo((bytes + 511) / 512 * 512));
        AssertSameDisk(raw, "raw", import.Result.OutputPath, target);
    }

    [TestCase("qcow2", "raw", 24, true)]
    [TestCase("vdi", "raw", 0x170, false)]
    [TestCase("vdi", "qcow2", 0x170, false)]
    [CancelAfter(60_000)]
    public async Task Import_ConversionFindsLess_FailsAndSaysSo(
        string format, string target, int sizeOffset, bool isBigEndian, CancellationToken cancellationToken)
    {
        // The stand-in converts a copy that is one sector shorter.
        var image = Directory.Convert(Directory.Raw(), format, name: "image");
        var shorter = Directory.Convert(Directory.Raw("shorter.raw"), format, name: "shorter");
        WriteSize(shorter, sizeOffset, isBigEndian, (8L * TestImages.Megabyte) - 512);
        UseScriptAsQemu(target == "raw"
            ? $"exec /usr/bin/qemu-nbd --read-only --socket $3 -f {format} {shorter}"
            : $"for last; do :; done; exec /usr/bin/qemu-img convert -f {format} -O {target} {shorter} $last");
        var request = Request(Stage(image)) with { DiskFormat = format, OutputDiskFormat = target };

        var import = await RunAsync(request, cancellationToken);

        Assert.That(
            (import.Failure?.Error, import.Failure?.Facts.GetValueOrDefault("check")),
            Is.EqualTo((ImportError.ImageRefused, "converted_size")), import.Failure?.Message);
        Assert.That(import.Failure!.Message, Does.Contain("8388608 bytes").And.Contain("8388096"));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Import_FixedVhdCutShort_Refused(CancellationToken cancellationToken)
    {
        var vhd = File.ReadAllBytes(Directory.Convert(Directory.Raw(), "vpc", "subformat=fixed,force_size=on", "image"));
        var cut = Directory.Write("cut", [.. vhd[..^4096], .. vhd[^512..]]);

        var import = await RunAsync(Request(Stage(cut)) with { DiskFormat = "vhd" }, cancellationToken);

        Assert.That(import.Failure?.Facts.GetValueOrDefault("check"), Is.EqualTo("vhd_size"), import.Failure?.Message);
    }

    private static void WriteSize(string path, int offset, bool isBigEndian, long size)
    {
        var bytes = new byte[8];
        if (isBigEndian) BinaryPrimitives.WriteInt64BigEndian(bytes, size);
        else BinaryPrimitives.WriteInt64LittleEndian(bytes, size);
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Write);
        RandomAccess.Write(file, bytes, offset);
    }

    private static void SetCreator(string path, string creator)
    {
        var content = File.ReadAllBytes(path);
        foreach (var footer in new[] { 0, content.Length - 512 })
        {
            var bytes = content.AsSpan(footer, 512);
            if (!bytes.StartsWith("conectix"u8)) continue;
            System.Text.Encoding.ASCII.GetBytes(creator, bytes[28..]);
            ShortGeometry.CopyTo(bytes[56..]);
            bytes.Slice(64, 4).Clear();
            var sum = 0u;
            foreach (var value in bytes) sum += value;
            BinaryPrimitives.WriteUInt32BigEndian(bytes[64..], ~sum);
        }

        File.WriteAllBytes(path, content);
    }
}
