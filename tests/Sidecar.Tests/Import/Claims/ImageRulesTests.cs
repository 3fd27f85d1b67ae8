using NUnit.Framework;
using Sidecar.Import.Core;
using Sidecar.Tests.Import.Inspection;

namespace Sidecar.Tests.Import.Claims;

/// <summary>What Glance's operator allows, and an import follows.</summary>
internal sealed class ImageRulesTests : ImportTest
{
    private static readonly string[] Glances = ["raw", "qcow2", "vmdk", "root-tar"];

    [TestCase("root-tar", "bare")]
    [TestCase("qcow2", "lxd")]
    [CancelAfter(60_000)]
    public async Task Import_FormatThatOnlyTheOperatorKnows_IsLeftAlone(string disk, string container, CancellationToken cancellationToken)
    {
        var packed = TestImages.Gzip(Directory.Raw());
        var request = Request(Stage(packed)) with
        {
            DiskFormat = disk, ContainerFormat = container, Rules = new ImageRules { DiskFormats = Glances, ContainerFormats = ["bare", "lxd"] },
        };

        var import = await RunAsync(request, cancellationToken);

        Assert.That(import.State, Is.EqualTo(ImportState.Succeeded), import.Failure?.Message);
        Assert.That(
            (import.Result!.DiskFormat, import.Result.ContainerFormat, import.Result.OutputPath),
            Is.EqualTo((disk, container, Layout.ImageFile(request.ImageId))));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Import_OtherFormatThatHidesAQcow2_IsRefused(CancellationToken cancellationToken)
    {
        var request = Request(Stage(Directory.Convert(Directory.Raw(), "qcow2"))) with
        {
            DiskFormat = "root-tar", Rules = new ImageRules { DiskFormats = Glances },
        };

        Assert.That((await RunAsync(request, cancellationToken)).Failure?.Error, Is.EqualTo(ImportError.FormatMismatch));
    }

    [TestCase("root-tar", null)]
    [TestCase("../root", "../root")]
    [TestCase(".hidden", ".hidden")]
    public void Start_FormatThatNobodyAllows_IsRefused(string claimed, string? allowed)
    {
        var rules = allowed is null ? null : new ImageRules { DiskFormats = [allowed] };
        var request = Request(Stage(Directory.Raw())) with { DiskFormat = claimed, Rules = rules };

        var refusal = Assert.Throws<ImportException>(() => Queue.Start(request));

        Assert.That(refusal!.Error, Is.EqualTo(ImportError.InvalidRequest));
    }

    [TestCase("")]
    [TestCase("raw")]
    [CancelAfter(60_000)]
    public async Task Import_ToAFormatThatGlanceDoesNotAllow_IsRefusedAndKept(string output, CancellationToken cancellationToken)
    {
        var request = Request(Stage(Directory.Convert(Directory.Raw(), "qcow2"))) with
        {
            OutputDiskFormat = output, Rules = new ImageRules { DiskFormats = ["qcow2"] },
        };

        var refusal = output.Length > 0
            ? Assert.Throws<ImportException>(() => Queue.Start(request))!.Error
            : (await RunAsync(request, cancellationToken)).Failure!.Error;

        Assert.That(refusal, Is.EqualTo(ImportError.InvalidRequest));
        Assert.That(File.Exists(Layout.ImageFile(request.ImageId)));
    }

    [TestCase("monolithicSparse", "monolithicSparse,streamOptimized", null)]
    [TestCase("monolithicSparse", "streamOptimized", "vmdk_create_type")]
    [TestCase("streamOptimized", "", "vmdk_create_type")]
    [CancelAfter(60_000)]
    public async Task Import_VmdkOfAKind_IsConvertedWhereGlanceAllowsThat(
        string kind, string allowed, string? check, CancellationToken cancellationToken)
    {
        var vmdk = Directory.Convert(Directory.Raw(), "vmdk", $"subformat={kind}");
        var request = Request(Stage(vmdk)) with
        {
            Rules = new ImageRules { VmdkTypes = allowed.Split(',', StringSplitOptions.RemoveEmptyEntries) },
        };

        var import = await RunAsync(request, cancellationToken);

        Assert.That(import.Failure?.Facts["check"], Is.EqualTo(check), import.Failure?.Message);
    }

    [TestCase("", true)]
    [TestCase("mbr_hybrid", false)]
    [TestCase("qcow2_backing_file", true, Description = "no check of a boot record")]
    [CancelAfter(60_000)]
    public async Task Import_OddBootRecord_PassesWhereGlanceToleratesIt(string tolerated, bool refused, CancellationToken cancellationToken)
    {
        var rules = new ImageRules { ToleratedChecks = tolerated.Length > 0 ? [tolerated] : [] };
        var raw = Directory.Write("disk.raw", [.. Mbr.Hybrid(), .. new byte[TestImages.Megabyte - 512]]);

        var plain = await RunAsync(Request(Stage(raw)) with { Rules = rules }, cancellationToken);
        var converted = await RunAsync(Request(Stage(Directory.Convert(raw, "qcow2"))) with { Rules = rules }, cancellationToken);

        Assert.That((plain.Failure?.Facts["check"], converted.Failure?.Facts["check"]),
            Is.EqualTo(refused ? ("mbr_hybrid", "mbr_hybrid") : ((string?)null, (string?)null)));
    }

    [TestCase(true)]
    [TestCase(false)]
    [CancelAfter(60_000)]
    public async Task Import_OtherFormatThanClaimed_IsWhatItIsWhereGlanceDoesNotInsist(bool insists, CancellationToken cancellationToken)
    {
        var raw = Directory.Raw();
        var request = Request(Stage(Directory.Convert(raw, "qcow2"))) with
        {
            DiskFormat = "vmdk", Rules = new ImageRules { AllowFormatMismatch = !insists },
        };

        var import = await RunAsync(request, cancellationToken);

        Assert.That(import.Failure?.Error, Is.EqualTo(insists ? ImportError.FormatMismatch : null), import.Failure?.Message);
        if (!insists) AssertSameDisk(raw, "raw", import.Result!.OutputPath, "raw");
    }

    [Test]
    public void Start_SameIdWithOtherRules_IsRefused()
    {
        var request = Request(Stage(Directory.Raw())) with { Rules = new ImageRules { DiskFormats = ["raw"] } };
        Queue.Start(request);

        var refusal = Assert.Throws<ImportException>(() => Queue.Start(request with { Rules = null }));

        Assert.That(refusal!.Facts["field"], Is.EqualTo("rules"));
    }
}
