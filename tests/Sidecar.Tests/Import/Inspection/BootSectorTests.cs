using System.Buffers.Binary;
using NUnit.Framework;

namespace Sidecar.Tests.Import.Inspection;

/// <summary>First sectors that end with 55 AA and are no partition table.</summary>
internal sealed class BootSectorTests : InspectionTest
{
    private const int Code = 62;

    [TestCase(1, 0xf0, TestName = "floppy with one table")]
    [TestCase(2, 0xf0, TestName = "floppy")]
    [TestCase(2, 0xf9, TestName = "720 KiB floppy")]
    [TestCase(1, 0xf8, TestName = "disk with one table")]
    public void Inspect_FatVolume_IsRaw(byte fats, byte media) => AssertRaw(Fat(fats, media));

    [Test]
    public void Inspect_Fat32Volume_IsRaw()
    {
        var sector = Fat(1, 0xf8);
        sector.AsSpan(17, 2).Clear();
        sector.AsSpan(22, 2).Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(sector.AsSpan(36), 1000);

        AssertRaw(sector);
    }

    [Test]
    public void Inspect_NtfsVolume_IsRaw()
    {
        var sector = Fat(0, 0xf8);
        "NTFS    "u8.CopyTo(sector.AsSpan(3));
        sector.AsSpan(14, 5).Clear();

        AssertRaw(sector);
    }

    [Test]
    public void Inspect_ExFatVolume_IsRaw()
    {
        var sector = Fat(0, 0);
        "EXFAT   "u8.CopyTo(sector.AsSpan(3));
        sector.AsSpan(11, 53).Clear();

        AssertRaw(sector);
    }

    [TestCase(0, 0x33)] // no jump
    [TestCase(11, 0x01)] // sectors of 513 bytes
    [TestCase(13, 3)]
    [TestCase(14, 0)]
    [TestCase(16, 3)]
    [TestCase(21, 0x12)]
    public void Inspect_ParametersThatMakeNoSense_AreABootRecord(int offset, byte value)
    {
        var sector = Fat(2, 0xf0);
        sector[offset] = value;

        Assert.That(Failed(Inspect(sector)), Does.Contain("mbr_boot_flag"));
    }

    [Test]
    public void Inspect_LoaderWithAJumpAndNoParameters_IsABootRecord()
    {
        // As GRUB leaves it: its code jumps over a place for parameters that it keeps empty.
        var sector = Mbr.Hybrid();
        (sector[0], sector[1], sector[2]) = (0xeb, 0x63, 0x90);

        Assert.That(Failed(Inspect(sector)), Is.EqualTo(new[] { "mbr_hybrid" }));
    }

    [Test]
    public void Inspect_VolumeWithAPartitionTableBehindIt_IsABootRecord()
    {
        byte[] disk = [.. Fat(2, 0xf8), .. "EFI PART"u8, .. new byte[4096]];

        Assert.That(Failed(Inspect(disk)), Does.Contain("mbr_boot_flag"));
    }

    private void AssertRaw(byte[] sector)
    {
        var report = Inspect([.. sector, .. new byte[8192]]);

        Assert.That((report.Format, report.VirtualSize), Is.EqualTo(("raw", 512L + 8192)));
        Assert.That(report.FailedChecks, Is.Empty);
    }

    private static byte[] Fat(byte fats, byte media)
    {
        var sector = new byte[512];
        ReadOnlySpan<byte> head = [0xeb, 0x3c, 0x90, .. "mkfs.fat"u8, 0, 2, 1, 1, 0, fats, 224, 0, 0x40, 0x0b, media, 9, 0, 18, 0, 2, 0];
        head.CopyTo(sector);
        for (var i = Code; i < 510; i++) sector[i] = (byte)(i * 7 | 1);
        (sector[510], sector[511]) = (0x55, 0xaa);
        return sector;
    }
}
