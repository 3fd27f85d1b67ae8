using NUnit.Framework;
using Sidecar.Import.Core;
using Sidecar.Tests.Import.Inspection;

namespace Sidecar.Tests.Import.Claims;

/// <summary>What may be called raw, and what is refused before it is converted to that.</summary>
internal sealed class RawClaimTests : ImportTest
{
    [TestCase("iso", "raw", "raw")]
    [TestCase("iso", "qcow2", "raw")]
    [TestCase("luks", "raw", "raw")]
    [TestCase("luks", "qcow2", "raw")]
    [TestCase("vhd", "raw", "raw")]
    [TestCase("empty", "raw", "raw")]
    [CancelAfter(60_000)]
    public async Task Import_CalledRaw_IsTheSameFile(string kind, string target, string result, CancellationToken cancellationToken)
    {
        var content = Content(kind);
        var request = Request(Stage(Directory.Write("image", content))) with { DiskFormat = "raw", OutputDiskFormat = target };

        var import = await RunAsync(request, cancellationToken);

        Assert.That(import.State, Is.EqualTo(ImportState.Succeeded), import.Failure?.Message);
        Assert.That(
            (import.Result!.DiskFormat, import.Result.VirtualSize, import.Result.OutputPath),
            Is.EqualTo((result, (long)content.Length, Layout.ImageFile(request.ImageId))));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Import_LuksByItsName_StaysOne(CancellationToken cancellationToken)
    {
        var image = Stage(Directory.Write("image", Luks.Disk(TestImages.Megabyte)));

        var import = await RunAsync(Request(image) with { DiskFormat = "luks", OutputDiskFormat = "raw" }, cancellationToken);

        Assert.That(
            (import.Result?.DiskFormat, import.Result?.VirtualSize), Is.EqualTo(("luks", TestImages.Megabyte)),
            import.Failure?.Message);
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Import_Luks2CalledRaw_Refused(CancellationToken cancellationToken)
    {
        var volume = Luks.Disk(4096);
        volume[7] = 2;
        var request = Request(Stage(Directory.Write("image", volume))) with { DiskFormat = "raw" };

        Assert.That((await RunAsync(request, cancellationToken)).Failure?.Facts["check"], Is.EqualTo("luks_version"));
    }

    [TestCase("", "mbr_hybrid")]
    [TestCase("qcow2", "mbr_hybrid")]
    [TestCase("vhdx", "mbr_hybrid")]
    [CancelAfter(60_000)]
    public async Task Import_BadBootRecord_RefusedBeforeTheConversion(
        string format, string check, CancellationToken cancellationToken)
    {
        var raw = Directory.Write("disk.raw", [.. Mbr.Hybrid(), .. TestImages.Noise(TestImages.Megabyte - 512)]);

        var import = await ImportAsync(
            format.Length == 0 ? raw : Directory.Convert(raw, format, name: "image"), cancellationToken);

        Assert.That(import.Failure?.Facts.GetValueOrDefault("check"), Is.EqualTo(check), import.Failure?.Message);
        Assert.That(import.Failure!.Message, Does.Contain("Import:ToleratedChecks"));
        Assert.That(import.Stages.Single(stage => stage.Name == "image_conversion").BytesDone, Is.Zero);
        Assert.That(WorkFiles(import.ImportId), Is.EqualTo(new[] { "import.json" }));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Import_BadBootRecordThatIsTolerated_IsConverted(CancellationToken cancellationToken)
    {
        Configure("ToleratedChecks:0", "mbr_hybrid");
        var raw = Directory.Write("disk.raw", [.. Mbr.Hybrid(), .. TestImages.Noise(TestImages.Megabyte - 512)]);

        var import = await ImportAsync(Directory.Convert(raw, "qcow2", name: "image"), cancellationToken);

        Assert.That(import.State, Is.EqualTo(ImportState.Succeeded), import.Failure?.Message);
    }

    [TestCase("qcow2", null)]
    [TestCase("raw", ImportError.UnsupportedFormat)]
    [CancelAfter(60_000)]
    public async Task Import_EncryptedQcow2_IsOnlyNotConverted(
        string target, ImportError? expected, CancellationToken cancellationToken)
    {
        var image = Directory.Create(
            "image", "--object", "secret,id=s,data=x", "-f", "qcow2", "-o", "encrypt.format=aes,encrypt.key-secret=s");
        var request = Request(Stage(image)) with { DiskFormat = "qcow2", OutputDiskFormat = target };

        var import = await RunAsync(request, cancellationToken);

        Assert.That(import.Failure?.Error, Is.EqualTo(expected), import.Failure?.Message);
        if (import.Failure is { } failure) Assert.That(failure.Message, Does.Contain("encrypted"));
    }

    private byte[] Content(string kind)
    {
        var iso = new byte[64 << 10];
        switch (kind)
        {
            case "iso":
                Mbr.Hybrid().CopyTo(iso, 0);
                "\u0001CD001"u8.CopyTo(iso.AsSpan(0x8000));
                return iso;
            case "luks":
                return Luks.Disk(TestImages.Megabyte);
            case "vhd":
                var options = "subformat=fixed,force_size=on";
                return File.ReadAllBytes(Directory.Convert(Directory.Raw(), "vpc", options, "fixed"));
            default:
                return [];
        }
    }
}
