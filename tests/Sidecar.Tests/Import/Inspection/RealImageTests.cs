using System.Text;
using NUnit.Framework;

namespace Sidecar.Tests.Import.Inspection;

/// <summary>Images as qemu-img and others make them.</summary>
internal sealed class RealImageTests : InspectionTest
{
    [TestCase("qcow2", "qcow2", "")]
    [TestCase("qcow2", "qcow2", "compat=0.10")]
    [TestCase("qcow2", "qcow2", "compression_type=zstd")]
    [TestCase("vmdk", "vmdk", "subformat=monolithicSparse")]
    [TestCase("vmdk", "vmdk", "subformat=streamOptimized")]
    [TestCase("vhdx", "vhdx", "")]
    [TestCase("vdi", "vdi", "")]
    [TestCase("vpc", "vhd", "force_size=on")]
    [TestCase("vpc", "vhd", "subformat=fixed,force_size=on")]
    [TestCase("raw", "raw", "")]
    public void Inspect_ImageOfQemu_DetectsFormatAndVirtualSize(string qemuFormat, string format, string options)
    {
        var report = InspectFile(Directory.Convert(Directory.Raw(), qemuFormat, options, "image"));

        Assert.That(report.Format, Is.EqualTo(format));
        Assert.That(report.VirtualSize, Is.EqualTo(8 * TestImages.Megabyte));
        Assert.That(report.FailedChecks, Is.Empty);
    }

    /// <summary>What qemu-img can make is what qemu-img says that it is.</summary>
    [TestCase("qcow2", "cluster_size=512")]
    [TestCase("qcow2", "cluster_size=2M")]
    [TestCase("qcow2", "refcount_bits=1")]
    [TestCase("qcow2", "refcount_bits=64,lazy_refcounts=on")]
    [TestCase("qcow2", "preallocation=metadata")]
    [TestCase("qcow2", "preallocation=full")]
    [TestCase("qcow2", "compat=0.10,preallocation=falloc")]
    [TestCase("vmdk", "hwversion=6")]
    [TestCase("vmdk", "compat6=on")]
    [TestCase("vmdk", "adapter_type=lsilogic,zeroed_grain=on")]
    [TestCase("vmdk", "subformat=streamOptimized,zeroed_grain=on")]
    [TestCase("vdi", "static=on")]
    [TestCase("vhdx", "subformat=fixed")]
    [TestCase("vhdx", "block_size=1M,log_size=4M")]
    [TestCase("vhdx", "block_state_zero=off")]
    [TestCase("vpc", "subformat=fixed")]
    [TestCase("vpc", "subformat=dynamic")]
    public void Inspect_EveryOptionOfQemu_AgreesWithIt(string format, string options)
    {
        var image = Directory.Convert(Directory.Raw(), format, options, "image");

        var report = InspectFile(image);

        var info = CommandLine.Run("qemu-img", "info", "--output=json", "-f", format, image);
        Assert.That(report.Format, Is.EqualTo(format == "vpc" ? "vhd" : format));
        Assert.That(info, Does.Contain($"\"virtual-size\": {report.VirtualSize}"));
        Assert.That(report.FailedChecks, Is.Empty);
        Assert.That(report.Obstacles, Is.Empty);
    }

    [Test]
    public void Inspect_BackingFile_Refused()
    {
        Directory.Create("base.qcow2", "-f", "qcow2");

        var report = InspectFile(Directory.Create("image", "-f", "qcow2", "-b", "base.qcow2", "-F", "qcow2"));

        Assert.That(Failed(report), Is.EqualTo(new[] { "qcow2_backing_file" }));
    }

    [Test]
    public void Inspect_ExternalDataFile_Refused()
    {
        var report = InspectFile(Directory.Create("image", "-f", "qcow2", "-o", "data_file=other.raw"));

        Assert.That(Failed(report), Is.EqualTo(new[] { "qcow2_data_file" }));
    }

    [Test]
    public void Inspect_ExtendedL2_Refused()
    {
        var report = InspectFile(Directory.Create("image", "-f", "qcow2", "-o", "extended_l2=on"));

        Assert.That(Failed(report), Is.EqualTo(new[] { "qcow2_unknown_features" }));
    }

    [Test]
    public void Inspect_EncryptedQcow2_MayOnlyNotBeConverted()
    {
        // Not as LUKS: for that qemu-img must time its key derivation, and cannot on a busy machine.
        var image = Directory.Create(
            "image", "--object", "secret,id=s,data=x", "-f", "qcow2", "-o", "encrypt.format=aes,encrypt.key-secret=s");

        var report = InspectFile(image);
        Assert.That(report.FailedChecks, Is.Empty);
        Assert.That(report.Obstacles.Select(check => check.Name), Is.EqualTo(new[] { "qcow2_encrypted" }));
    }

    [Test]
    public void Inspect_Luks_Detected()
    {
        var image = Directory.Write("image", Luks.Disk(10 * TestImages.Megabyte));

        var report = InspectFile(image);

        var known = CommandLine.Run("qemu-img", "info", "--output=json", image);
        Assert.That(known, Does.Contain("\"format\": \"luks\"").And.Contain($"\"virtual-size\": {report.VirtualSize}"));

        Assert.That((report.Format, report.VirtualSize), Is.EqualTo(("luks", 10L * TestImages.Megabyte)));
        Assert.That(report.FailedChecks, Is.Empty);
    }

    [Test]
    public void Inspect_Qed_Refused() =>
        Assert.That(Failed(InspectFile(Directory.Create("image", "-f", "qed"))), Is.EqualTo(new[] { "qed_banned" }));

    [TestCase("monolithicFlat")]
    [TestCase("twoGbMaxExtentSparse")]
    [TestCase("twoGbMaxExtentFlat")]
    public void Inspect_VmdkOfSeveralFiles_Refused(string kind)
    {
        var report = InspectFile(Directory.Create("image", "-f", "vmdk", "-o", $"subformat={kind}"));

        Assert.That(report.Format, Is.EqualTo("vmdk"));
        Assert.That(Failed(report), Is.EqualTo(new[] { "vmdk_descriptor_only" }));
    }

    [TestCase("vhdx", (3 << 20) + 4096, "vhdx_parent", Description = "in its table of metadata")]
    [TestCase("vhdx", 200 << 10, "vhdx_header", Description = "in its table of regions")]
    [TestCase("vmdk", 1024, "vmdk_descriptor", Description = "in its descriptor")]
    [TestCase("qcow2", 60, "qcow2_header", Description = "in its header")]
    public void Inspect_ImageCutShort_Refused(string format, int length, string check)
    {
        var image = File.ReadAllBytes(Directory.Convert(Directory.Raw(), format, name: "image"));

        Assert.That(Failed(Inspect(image[..length])), Does.Contain(check));
    }

    [TestCase("qcow2", "", "-c")]
    [TestCase("qcow2", "compression_type=zstd", "-c")]
    [TestCase("qcow2", "compression_type=zstd,cluster_size=2M,lazy_refcounts=on", "-c")]
    [TestCase("vmdk", "subformat=streamOptimized", "-c")]
    [TestCase("qcow2", "", "snapshot", "-c", "before")]
    [TestCase("qcow2", "", "bitmap", "--add", "--enable", "changes")]
    public void Inspect_ImageWithMoreThanItsDisk_AgreesWithQemu(string format, string options, params string[] more)
    {
        var image = Directory["image"];
        string[] compress = more is ["-c"] ? ["-c"] : [], choice = options.Length > 0 ? ["-o", options] : [];
        CommandLine.Run("qemu-img", ["convert", "-f", "raw", "-O", format, .. compress, .. choice, Directory.Raw(), image]);
        if (more is ["bitmap", .. var adding, var name]) CommandLine.Run("qemu-img", ["bitmap", .. adding, image, name]);
        if (more is ["snapshot", .. var making]) CommandLine.Run("qemu-img", ["snapshot", .. making, image]);

        var report = InspectFile(image);

        var info = CommandLine.Run("qemu-img", "info", "--output=json", "-f", format, image);
        Assert.That(info, Does.Contain($"\"virtual-size\": {report.VirtualSize}"));
        Assert.That((report.Format, report.FailedChecks.Count, report.Obstacles.Count), Is.EqualTo((format, 0, 0)));
    }

    [Test]
    public void Inspect_Ploop_AgreesWithQemu()
    {
        var image = Directory.Create("image", "-f", "parallels");

        var report = InspectFile(image);

        var info = CommandLine.Run("qemu-img", "info", "--output=json", "-f", "parallels", image);
        Assert.That((report.Format, report.FailedChecks.Count), Is.EqualTo(("ploop", 0)));
        Assert.That(info, Does.Contain($"\"virtual-size\": {report.VirtualSize}"));
    }

    /// <summary>
    /// Texts put together from what QEMU's probe looks at. Where it takes one for a VMDK it would follow the extent, which
    /// may be any file of the host, so that one must never be a raw disk here.
    /// </summary>
    [Test]
    public void Inspect_TextThatQemuTakesForADescriptor_IsRefused()
    {
        string[] pieces = [" \n", "  \r\n", "\n", "\r\n", "# x\n", "#\n", "version=1\n", "version=2\r\n", "version=4\n", "x\n", "\t\n"];
        var random = new Random(20261128);
        Directory.Write("other", new byte[512]);
        var taken = 0;
        for (var attempt = 0; attempt < 60; attempt++)
        {
            var head = string.Concat(random.GetItems(pieces, random.Next(4)));
            var text = head + "version=1\nCID=fffffffe\nparentCID=ffffffff\ncreateType=\"monolithicFlat\"\nRW 1 FLAT \"other\" 0\n";
            var image = Directory.Write("text", [.. Encoding.ASCII.GetBytes(text), .. new byte[attempt % 2 * 4096]]);
            if (!CommandLine.Run("qemu-img", "info", image).Contains("file format: vmdk", StringComparison.Ordinal)) continue;
            taken++;
            Assert.That(Failed(InspectFile(image)), Is.EqualTo(new[] { "vmdk_descriptor_only" }), head.ReplaceLineEndings("|"));
        }

        Assert.That(taken, Is.GreaterThan(10), "QEMU takes some of them");
    }

    [Test]
    public void Inspect_VmdkWithParent_Refused()
    {
        Directory.Create("base.vmdk", "-f", "vmdk");

        var report = InspectFile(Directory.Create("image", "-f", "vmdk", "-b", "base.vmdk", "-F", "vmdk"));

        Assert.That(Failed(report), Is.EqualTo(new[] { "vmdk_parent" }));
    }

    [Test]
    public void Inspect_PartitionedRaw_IsGpt()
    {
        var raw = Directory.Raw();
        using (var file = File.OpenHandle(raw, FileMode.Open, FileAccess.Write)) RandomAccess.Write(file, Mbr.Gpt(), 0);

        var report = InspectFile(raw);

        Assert.That((report.Format, report.DiskFormat), Is.EqualTo(("gpt", "raw")));
        Assert.That(report.FailedChecks, Is.Empty);
    }
}
