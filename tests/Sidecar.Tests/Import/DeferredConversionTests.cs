using NUnit.Framework;
using Sidecar.Import.Core;
using Sidecar.Telemetry;

namespace Sidecar.Tests.Import;

/// <summary>Conversions to raw that are left to those who write the output to a store.</summary>
internal sealed class DeferredConversionTests : ImportTest
{
    [TestCase("qcow2", "")]
    [TestCase("vmdk", "subformat=streamOptimized")]
    [TestCase("vhdx", "")]
    [CancelAfter(60_000)]
    public async Task Import_ToRaw_LeavesTheFileAsItIs(string format, string options, CancellationToken cancellationToken)
    {
        var image = Directory.Convert(Directory.Raw(), format, options);
        var request = Deferred(image);
        FreeBytes = TestImages.Megabyte; // no room for what a conversion would write

        var import = await RunAsync(request, cancellationToken);

        Assert.That(import.State, Is.EqualTo(ImportState.Succeeded), import.Failure?.Message);
        var result = import.Result!;
        Assert.That((result.DiskFormat, result.Size, result.VirtualSize), Is.EqualTo(("raw", 8L << 20, 8L << 20)));
        Assert.That(result.Deferred, Is.EqualTo(new DeferredConversion(format, new FileInfo(image).Length)));
        Assert.That(result.OutputPath, Is.EqualTo(Layout.ImageFile(request.ImageId)));
        Assert.That(result.Digests, Is.Empty, "of bytes that are not there yet");
        Assert.That(WorkFiles(import.ImportId), Is.EqualTo(new[] { "import.json" }));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Import_OfWhatWasUnpacked_KeepsTheUnpackedFile(CancellationToken cancellationToken)
    {
        var image = Directory.Convert(Directory.Raw(), "qcow2");
        var request = Deferred(TestImages.Gzip(image)) with { Stages = ["image_decompression", "image_conversion"] };

        var import = await RunAsync(request, cancellationToken);

        Assert.That(import.Result!.Deferred, Is.EqualTo(new DeferredConversion("qcow2", new FileInfo(image).Length)));
        CommandLine.Run("cmp", image, import.Result.OutputPath);
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Import_OfWhatIsRaw_IsAsEver(CancellationToken cancellationToken)
    {
        var import = await RunAsync(Deferred(Directory.Raw()), cancellationToken);

        Assert.That(import.Result!.Deferred, Is.Null);
        Assert.That(import.Result.Digests, Is.Not.Empty);
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Import_ToAnotherFormat_IsAsEver(CancellationToken cancellationToken)
    {
        var request = Deferred(Directory.Convert(Directory.Raw(), "vmdk")) with { OutputDiskFormat = "qcow2" };

        var import = await RunAsync(request, cancellationToken);

        Assert.That(import.Result!.Deferred, Is.Null);
        AssertSameDisk(import.Result.OutputPath, "qcow2", Directory["disk.raw"], "raw");
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Import_OfAnImageInAnImage_IsRefused(CancellationToken cancellationToken)
    {
        var inner = Directory.Convert(Directory.Raw(), "qcow2", name: "inner.qcow2");
        var import = await RunAsync(Deferred(Directory.Convert(inner, "qcow2", name: "outer.qcow2")), cancellationToken);

        Assert.That(import.Failure?.Error, Is.EqualTo(ImportError.FormatMismatch), import.Failure?.Message);
        Assert.That(import.Failure!.Message, Does.Contain("the disk inside is qcow2"));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Start_WithAndWithoutIt_AreNotTheSame(CancellationToken cancellationToken)
    {
        var request = Deferred(Directory.Convert(Directory.Raw(), "qcow2"));
        await RunAsync(request, cancellationToken);

        var refusal = Assert.Throws<ImportException>(() => Queue.Start(request with { DefersConversion = false }));
        Assert.That((refusal.Error, refusal.Facts["field"]), Is.EqualTo((ImportError.RequestDiffers, "defer_conversion")));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Recover_WhatWasDeferred_IsStillThere(CancellationToken cancellationToken)
    {
        var before = await RunAsync(Deferred(Directory.Convert(Directory.Raw(), "qcow2")), cancellationToken);
        ForgetEverything();

        await Queue.RecoverAsync(cancellationToken);

        var after = Queue.Start(before.Request).Result!;
        Assert.That((after.Deferred, after.Size), Is.EqualTo((before.Result!.Deferred, before.Result.Size)));
    }

    [TestCase("\"length\": ", "\"length\": -")]
    [TestCase("\"format\": \"qcow2\"", "\"format\": \"nbd\"")]
    [TestCase("\"format\": \"qcow2\"", "\"format\": null")]
    [CancelAfter(60_000)]
    public async Task Recover_OfNoSense_IsSetAside(string what, string by, CancellationToken cancellationToken)
    {
        var before = await RunAsync(Deferred(Directory.Convert(Directory.Raw(), "qcow2")), cancellationToken);
        await ChangeJournalAsync(before.ImportId, what, by, cancellationToken);
        ForgetEverything();

        Assert.That((await Queue.RecoverAsync(cancellationToken)).Removed, Is.EqualTo(1));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Recover_JournalOfAnOlderVersion_IsOfAConvertedOutput(CancellationToken cancellationToken)
    {
        var request = Request(Stage(Directory.Convert(Directory.Raw(), "qcow2")));
        var before = await RunAsync(request, cancellationToken);
        await ChangeJournalAsync(before.ImportId, "\"deferred\": null", "\"other\": null", cancellationToken);
        await ChangeJournalAsync(before.ImportId, "\"defers_conversion\": false", "\"another\": false", cancellationToken);
        ForgetEverything();

        await Queue.RecoverAsync(cancellationToken);

        Assert.That(Queue.Start(request).Result!.Digests, Is.EqualTo(before.Result!.Digests));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Recover_FileOfAnotherLength_IsLost(CancellationToken cancellationToken)
    {
        var before = await RunAsync(Deferred(Directory.Convert(Directory.Raw(), "qcow2")), cancellationToken);
        await File.AppendAllTextAsync(before.Result!.OutputPath, "x", cancellationToken);
        ForgetEverything();

        await Queue.RecoverAsync(cancellationToken);

        Assert.That(Queue.Get(before.ImportId).Failure?.Error.Reason(), Is.EqualTo("OUTPUT_LOST"));
    }

    private ImportRequest Deferred(string image) => Request(Stage(image)) with { DefersConversion = true };

    private async Task ChangeJournalAsync(Guid importId, string what, string by, CancellationToken cancellationToken)
    {
        var journal = Path.Combine(Layout.ImportDirectory(importId), "import.json");
        var text = await File.ReadAllTextAsync(journal, cancellationToken);
        Assert.That(text, Does.Contain(what));
        await File.WriteAllTextAsync(journal, text.Replace(what, by, StringComparison.Ordinal), cancellationToken);
    }
}
