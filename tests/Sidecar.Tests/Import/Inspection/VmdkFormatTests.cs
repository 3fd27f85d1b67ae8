using System.Buffers.Binary;
using System.Text;
using NUnit.Framework;

namespace Sidecar.Tests.Import.Inspection;

/// <summary>The ways in which a VMDK may name another file (CVE-2022-47951 and relatives).</summary>
internal sealed class VmdkFormatTests : InspectionTest
{
    private const string Plain = """
        # Disk DescriptorFile
        version=1
        CID=12345678
        parentCID=ffffffff
        createType="monolithicSparse"

        RW 20480 SPARSE "image.vmdk"

        ddb.adapterType = "ide"
        """;

    [Test]
    public void Inspect_PlainDescriptor_Passes()
    {
        var report = Inspect(Sparse(Plain));

        Assert.That((report.Format, report.VirtualSize), Is.EqualTo(("vmdk", 20480L * 512)));
        Assert.That(report.FailedChecks, Is.Empty);
    }

    [TestCase("monolithicSparse", "streamOptimized", null)]
    [TestCase("monolithicSparse", "monolithicFlat", "vmdk_create_type")]
    [TestCase("monolithicSparse", "custom", "vmdk_create_type")]
    [TestCase("SPARSE \"image.vmdk\"", "SPARSE \"/etc/passwd\"", "vmdk_extent")]
    [TestCase("SPARSE \"image.vmdk\"", "FLAT \"passwd\" 0", "vmdk_extent")]
    [TestCase("RW 20480 SPARSE \"image.vmdk\"", "", "vmdk_extent")]
    [TestCase("RW 20480", "RWX 20480", "vmdk_descriptor")]
    [TestCase("ddb.adapterType", "\x00e4ddb lines", "vmdk_descriptor")]
    [TestCase("ddb.adapterType", "\x007fddb", "vmdk_descriptor")]
    [TestCase("image.vmdk", "B\x00fcro.vmdk", null)] // windows-1252
    [TestCase("image.vmdk", "B\x00c3\x00bcro \x00c2\x0085.vmdk", null)] // UTF-8, with a letter that .NET takes for blank
    [TestCase("image.vmdk", "\x0083\x005c.vmdk", null)] // Shift-JIS, whose second byte is a backslash
    [TestCase("image.vmdk", "other disk.vmdk", null)]
    [TestCase("RW 20480 SPARSE", "\tRW\t20480  sparse", null)]
    [TestCase("createType=", "CREATETYPE = ", null)]
    [TestCase("parentCID=ffffffff", "parentCID = FFFFFFFF ", null)]
    [TestCase("\n\n", "\r\n \t\r\n", null)]
    [TestCase("RW 20480 SPARSE \"image.vmdk\"", "RW 9 SPARSE \"a\"\nRW 9 SPARSE \"b\"", "vmdk_extent")]
    [TestCase("RW 20480 SPARSE", "RW 20480 VMFSSPARSE", "vmdk_extent")]
    [TestCase("version=1", "version=1\ncreateType=\"monolithicFlat\"", "vmdk_create_type")]
    [TestCase("parentCID=ffffffff", "parentCID=12345678", "vmdk_parent")]
    [TestCase("ddb.adapterType", "parentFileNameHint=\"/etc/passwd\"\nddb.adapterType", "vmdk_parent")]
    [TestCase("version=1", "version=1\n# parentFileNameHint=\"/etc/passwd\"", "vmdk_parent")]
    public void Inspect_DescriptorChanged_NamesTheCheck(string from, string to, string? check)
    {
        var report = Inspect(Sparse(Plain.Replace(from, to, StringComparison.Ordinal)));

        Assert.That(Failed(report), check == null ? Is.Empty : Does.Contain(check));
    }

    [TestCase("\"", true)]
    [TestCase("\"ide\"", true)]
    [TestCase("RW 1", false)]
    [TestCase("= \"ide\"", false)] // as it was, but more than a shorter content id leaves
    public void Inspect_BehindTheEndOfTheText_OnlyWhatQemuLeavesThere(string remains, bool passes)
    {
        var failed = Failed(Inspect(Sparse(Plain + '\0' + remains)));

        Assert.That(failed, passes ? Is.Empty : Is.EqualTo(new[] { "vmdk_descriptor" }));
    }

    [Test]
    public void Inspect_ParentBehindTheDeclaredDescriptor_Refused()
    {
        // QEMU looks further than the header says.
        var image = Sparse(Plain);
        Encoding.ASCII.GetBytes("parentFileNameHint=\"/etc/passwd\"").CopyTo(image, 512 + 1024 + 100);

        Assert.That(Failed(Inspect(image)), Is.EqualTo(new[] { "vmdk_parent" }));
    }

    [TestCase(12, 0ul, "vmdk_capacity")]
    [TestCase(28, 2ul, "vmdk_descriptor")]
    [TestCase(36, 0ul, "vmdk_descriptor")]
    [TestCase(36, 1ul << 40, "vmdk_descriptor")]
    [TestCase(56, ulong.MaxValue, "vmdk_footer")]
    public void Inspect_HeaderSpoilt_NamesTheCheck(int offset, ulong value, string check)
    {
        var image = Sparse(Plain);
        BinaryPrimitives.WriteUInt64LittleEndian(image.AsSpan(offset), value);

        Assert.That(Failed(Inspect(image)), Does.Contain(check));
    }

    [TestCase(0, null)]
    [TestCase(512 + 12, "vmdk_footer")]
    [TestCase(512 + 28, "vmdk_footer")]
    [TestCase(512 + 56, "vmdk_footer")]
    [TestCase(12, "vmdk_footer")]
    [TestCase(1024, "vmdk_footer")]
    public void Inspect_Footer_MustAgreeWithTheHeader(int spoilt, string? check)
    {
        var image = Streamed();
        if (spoilt > 0) image.AsSpan(image.Length - 1536 + spoilt, 8).Fill(0xff);

        Assert.That(Failed(Inspect(image)), check == null ? Is.Empty : Does.Contain(check));
    }

    [TestCase("COWD", "vmdk_version")]
    [TestCase("# Disk DescriptorFile\nversion=1\nRW 1 FLAT \"/etc/passwd\" 0\n", "vmdk_descriptor_only")]
    [TestCase("# harmless\n\nversion=1\nRW 1 FLAT \"/etc/passwd\" 0\n", "vmdk_descriptor_only")]
    [TestCase("version=1\nRW 1 FLAT \"/etc/passwd\" 0\n", "vmdk_descriptor_only")]
    [TestCase("version=3\r\nRW 1 FLAT \"/etc/passwd\" 0\r\n", "vmdk_descriptor_only")]
    [TestCase("  \n \r\n# x\nversion=2\nRW 1 FLAT \"/etc/passwd\" 0\n\0\0\0", "vmdk_descriptor_only")]
    [TestCase("\nversion=1\nRW 1 FLAT \"/etc/passwd\" 0\n", "vmdk_descriptor_only")]
    [TestCase("encoding=\"UTF-8\"\nCreateType=\"monolithicFlat\"\nRW 1 FLAT \"/etc/passwd\" 0\n", "vmdk_descriptor_only")]
    public void Inspect_OtherKinds_Refused(string content, string check)
    {
        var report = Inspect(Encoding.ASCII.GetBytes(content));

        Assert.That(report.Format, Is.EqualTo("vmdk"));
        Assert.That(Failed(report), Is.EqualTo(new[] { check }));
    }

    [Test]
    public void Inspect_ScriptWithComments_IsRaw() =>
        Assert.That(Inspect("#!/bin/sh\n# hello\necho version=1\n"u8.ToArray()).Format, Is.EqualTo("raw"));

    private static byte[] Sparse(string descriptor)
    {
        var image = new byte[64 << 10];
        "KDMV"u8.CopyTo(image);
        image[4] = 1;
        BinaryPrimitives.WriteUInt64LittleEndian(image.AsSpan(12), 20480);
        BinaryPrimitives.WriteUInt64LittleEndian(image.AsSpan(20), 128);
        BinaryPrimitives.WriteUInt64LittleEndian(image.AsSpan(28), 1);
        BinaryPrimitives.WriteUInt64LittleEndian(image.AsSpan(36), 2);
        BinaryPrimitives.WriteUInt64LittleEndian(image.AsSpan(56), 26);
        Encoding.Latin1.GetBytes(descriptor).CopyTo(image, 512);
        return image;
    }

    /// <summary>With a footer, as other programs than qemu-img stream it.</summary>
    private static byte[] Streamed()
    {
        var image = Sparse(Plain);
        var footer = image.AsSpan(image.Length - 1536);
        image.AsSpan(0, 512).CopyTo(footer[512..]);
        BinaryPrimitives.WriteUInt64LittleEndian(image.AsSpan(56), ulong.MaxValue);
        footer[0] = 1;
        footer[12] = 3;
        return image;
    }
}
