using System.Text;
using NUnit.Framework;
using Sidecar.Import.Inspection;

namespace Sidecar.Tests.Import.Inspection;

internal sealed class OtherFormatTests : InspectionTest
{
    [Test]
    public void Inspect_BootRecordWithPartition_Passes() =>
        Assert.That(Inspect(Mbr.Bootable()).FailedChecks, Is.Empty);

    [Test]
    public void Inspect_BootRecordWithoutPartition_Refused() =>
        Assert.That(Failed(Inspect(Mbr.Empty())), Is.EqualTo(new[] { "mbr_partitions" }));

    [Test]
    public void Inspect_HybridGpt_Refused() =>
        Assert.That(Failed(Inspect(Mbr.Hybrid())), Is.EqualTo(new[] { "mbr_hybrid" }));

    [TestCase(0, 0x7f, "mbr_boot_flag")]
    [TestCase(2, 1, "mbr_protective")]
    [TestCase(8, 2, "mbr_protective")]
    public void Inspect_ProtectivePartitionSpoilt_NamesTheCheck(int offset, byte value, string check) =>
        Assert.That(
            Failed(Inspect(Mbr.WithEntry(entry => entry[offset] = value))), Is.EqualTo(new[] { check }));

    [Test]
    public void Inspect_FatBootSector_IsRaw()
    {
        var sector = Mbr.Empty();
        (sector[0x10], sector[0x15]) = (2, 0xf8);

        Assert.That(Inspect(sector).Format, Is.EqualTo("raw"));
    }

    [Test]
    public void Inspect_ToleratedCheck_Passes()
    {
        var tolerant = new ImageInspector(long.MaxValue, ["mbr_hybrid"]);

        Assert.That(tolerant.InspectFile(Directory.Write("image", Mbr.Hybrid())).FailedChecks, Is.Empty);
    }

    [TestCase("CD001")]
    [TestCase("NSR02")]
    [TestCase("NSR03")]
    public void Inspect_Iso_Detected(string identifier) =>
        Assert.That(Inspect(Iso(identifier)).Format, Is.EqualTo("iso"));

    [Test]
    public void Inspect_IsoThatBootsFromUsb_IsIso()
    {
        var iso = Iso("CD001");
        Mbr.Hybrid().CopyTo(iso, 0);

        var report = Inspect(iso);

        Assert.That(report.Format, Is.EqualTo("iso"));
        Assert.That(report.FailedChecks, Is.Empty);
    }

    [Test]
    public void Inspect_Qcow2InIso_IsPolyglot()
    {
        var iso = Iso("CD001");
        Qcow2FormatTests.Header().AsSpan(0, 1024).CopyTo(iso);

        Assert.That(Failed(Inspect(iso)), Is.EqualTo(new[] { "polyglot" }));
    }

    [Test]
    public void Inspect_Qcow2WithBootRecord_IsPolyglot()
    {
        var header = Qcow2FormatTests.Header();
        (header[510], header[511]) = (0x55, 0xaa);

        Assert.That(Failed(Inspect(header)), Is.EqualTo(new[] { "polyglot" }));
    }

    [Test]
    public void Inspect_FixedVhdWithPartitions_IsVhd()
    {
        var raw = Directory.Write("disk.raw", [.. Mbr.Bootable(), .. new byte[TestImages.Megabyte - 512]]);

        var report = InspectFile(Directory.Convert(raw, "vpc", "subformat=fixed,force_size=on"));

        Assert.That(report.Format, Is.EqualTo("vhd"));
        Assert.That(report.FailedChecks, Is.Empty);
    }

    [TestCase("vpc", 60, 4, "vhd_type")]
    [TestCase("vdi", 0x4c, 4, "vdi_type")]
    [TestCase("vdi", 0x1a8, 1, "vdi_parent")]
    [TestCase("vhdx", (3 << 20) + (64 << 10) + 4, 2, "vhdx_parent")]
    [TestCase("vhdx", 192 << 10, 0, "vhdx_header")]
    public void Inspect_RealImageSpoilt_NamesTheCheck(string format, int offset, byte value, string check)
    {
        var image = Directory.Create("image", "-f", format);
        using (var file = File.OpenHandle(image, FileMode.Open, FileAccess.Write))
        {
            RandomAccess.Write(file, format == "vpc" ? [0, 0, 0, value] : [value], offset);
        }

        Assert.That(Failed(InspectFile(image)), Does.Contain(check));
    }

    [Test]
    public void Inspect_Luks2_Refused()
    {
        byte[] header = [(byte)'L', (byte)'U', (byte)'K', (byte)'S', 0xba, 0xbe, 0, 2, .. new byte[4096]];

        Assert.That(Failed(Inspect(header)), Is.EqualTo(new[] { "luks_version" }));
    }

    [Test]
    public void Inspect_Ploop_Detected()
    {
        byte[] header = [.. "WithouFreSpacExt"u8, .. new byte[20], 16, .. new byte[512]];

        var report = Inspect(header);

        Assert.That((report.Format, report.VirtualSize), Is.EqualTo(("ploop", 16L * 512)));
    }

    [Test]
    public void Inspect_EmptyFile_IsRaw()
    {
        var report = Inspect([]);

        Assert.That((report.Format, report.VirtualSize), Is.EqualTo(("raw", 0L)));
        Assert.That(report.FailedChecks, Is.Empty);
    }

    [Test]
    public void Inspect_VirtualSizeOverLimit_Refused()
    {
        var small = new ImageInspector(TestImages.Megabyte, []);

        var report = small.InspectFile(Directory.Write("image", Qcow2FormatTests.Header()));

        Assert.That(Failed(report), Is.EqualTo(new[] { "virtual_size_limit" }));
    }

    [Test]
    public void Inspect_AnyTruncation_NeverThrows()
    {
        var images = new[] { "qcow2", "vmdk", "vhdx", "vdi", "vpc" }
            .Select(format => File.ReadAllBytes(Directory.Create(format, "-f", format)));
        foreach (var image in images)
        {
            for (var length = 0; length < 700; length += 13) Inspect(image[..length]);
        }

        Assert.Pass();
    }

    private static byte[] Iso(string identifier)
    {
        var iso = new byte[40 << 10];
        iso[0x8000] = 1;
        Encoding.ASCII.GetBytes(identifier).CopyTo(iso, 0x8001);
        return iso;
    }
}
