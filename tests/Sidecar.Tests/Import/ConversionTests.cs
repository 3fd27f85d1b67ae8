using NUnit.Framework;
using Sidecar.Import.Core;
using Sidecar.Telemetry;

namespace Sidecar.Tests.Import;

internal sealed class ConversionTests : ImportTest
{
    [TestCase("raw", "qcow2")]
    [TestCase("raw", "vmdk")]
    [TestCase("qcow2", "raw")]
    [TestCase("qcow2", "vmdk")]
    [TestCase("vmdk", "qcow2")]
    [TestCase("vhdx", "raw")]
    [TestCase("vdi", "raw")]
    [TestCase("vhd", "raw")]
    [CancelAfter(60_000)]
    public async Task Import_ToEachFormat_IsTheSameDisk(string from, string to, CancellationToken cancellationToken)
    {
        var raw = Directory.Raw();
        var (qemuName, options) = from == "vhd" ? ("vpc", "force_size=on") : (from, "");
        var request = Request(Stage(Directory.Convert(raw, qemuName, options, "image"))) with
        {
            DiskFormat = from, OutputDiskFormat = to,
        };

        var import = await RunAsync(request, cancellationToken);

        Assert.That(import.State, Is.EqualTo(ImportState.Succeeded), import.Failure?.Message);
        Assert.That(
            (import.Result!.DiskFormat, import.Result.VirtualSize),
            Is.EqualTo((to, 8L * TestImages.Megabyte)));
        Assert.That(Path.GetFileName(import.Result.OutputPath), Is.EqualTo($"{request.ImageId}.{to}"));
        Assert.That(import.Result.Size, Is.EqualTo(new FileInfo(import.Result.OutputPath).Length));
        AssertSameDisk(raw, "raw", import.Result.OutputPath, to);
        Assert.That(Space.Snapshot().ReservedBytes, Is.Zero);
    }

    [TestCase("raw", "raw")]
    [TestCase("", "raw")]
    [TestCase("ami", "ami")]
    [CancelAfter(60_000)]
    public async Task Import_NothingToConvert_AnswersTheStagedFile(
        string claimed, string result, CancellationToken cancellationToken)
    {
        var request = Request(Stage(Directory.Raw())) with { DiskFormat = claimed };

        var import = await RunAsync(request, cancellationToken);

        Assert.That(
            (import.Result?.OutputPath, import.Result?.DiskFormat),
            Is.EqualTo((Layout.ImageFile(request.ImageId), result)));
        Assert.That(WorkFiles(import.ImportId), Is.EqualTo(new[] { "import.json" }));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Import_Iso_StaysIso(CancellationToken cancellationToken)
    {
        var iso = new byte[64 << 10];
        "\u0001CD001"u8.CopyTo(iso.AsSpan(0x8000));

        var import = await ImportAsync(Directory.Write("cd.iso", iso), cancellationToken);

        Assert.That(import.Result?.DiskFormat, Is.EqualTo("iso"), import.Failure?.Message);
    }

    [TestCase("raw", "qcow2", "qcow2")]
    [TestCase("qcow2", "raw", "raw")]
    [TestCase("vmdk", "qcow2", "qcow2")]
    [TestCase("iso", "raw", "raw")]
    [CancelAfter(60_000)]
    public async Task Import_OtherFormatThanClaimed_Refused(
        string claimed, string actual, string detected, CancellationToken cancellationToken)
    {
        var image = Directory.Convert(Directory.Raw(), actual, name: "image");

        var import = await RunAsync(Request(Stage(image)) with { DiskFormat = claimed }, cancellationToken);

        Assert.That(import.Failure?.Error.Reason(), Is.EqualTo("FORMAT_MISMATCH"));
        Assert.That(
            (import.Failure!.Facts["claimed"], import.Failure.Facts["detected"]), Is.EqualTo((claimed, detected)));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Import_Qcow2HiddenInTheDisk_RefusedBeforeItIsConverted(CancellationToken cancellationToken)
    {
        // A guest that writes a qcow2 header over its own disk: the raw output would be one for whoever guesses.
        var inner = Directory.Convert(Directory.Raw(), "qcow2", name: "inner");
        var outer = Directory.Convert(inner, "qcow2", name: "outer");

        var import = await ImportAsync(outer, cancellationToken);

        Assert.That(
            (import.Failure?.Error, import.Failure?.Stage),
            Is.EqualTo((ImportError.FormatMismatch, "image_conversion")));
        Assert.That(import.Failure!.Message, Does.Contain("the disk inside is qcow2"));
        Assert.That(WorkFiles(import.ImportId), Is.EqualTo(new[] { "import.json" }));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Import_BackingFile_NeverReachesQemu(CancellationToken cancellationToken)
    {
        var pid = UseWaitingQemu();
        Directory.Create("base.qcow2", "-f", "qcow2");
        var bad = Directory.Create("bad.qcow2", "-f", "qcow2", "-b", "base.qcow2", "-F", "qcow2");

        var import = await ImportAsync(bad, cancellationToken);

        Assert.That(import.Failure?.Facts["check"], Is.EqualTo("qcow2_backing_file"));
        Assert.That(pid, Does.Not.Exist);
    }

    [TestCase("raw", "nbd")]
    [TestCase("vmdk", "img")]
    [CancelAfter(60_000)]
    public async Task Import_Progress_NeverGoesBack(string target, string tool, CancellationToken cancellationToken)
    {
        UseScriptAsQemu(
            $"for p in 1 20 19 60 100; do printf \"    ($p.00/100%%)\\r\"; done; exec /usr/bin/qemu-{tool} \"$@\"");
        var image = Stage(Directory.Convert(Directory.Raw(), "qcow2"));
        var seen = new List<ImportSnapshot>();

        var started = Queue.Start(Request(image) with { OutputDiskFormat = target });
        await foreach (var import in Queue.WatchAsync(started.ImportId, cancellationToken)) seen.Add(import);

        Assert.That(seen[^1].State, Is.EqualTo(ImportState.Succeeded), seen[^1].Failure?.Message);
        Assert.That(seen.Select(import => import.State), Is.Ordered);
        for (var stage = 0; stage < seen[0].Stages.Count; stage++)
        {
            Assert.That(seen.Select(import => import.Stages[stage].BytesDone), Is.Ordered);
            Assert.That(seen.Select(import => import.Stages[stage].Elapsed), Is.Ordered);
        }

        Assert.That(seen[^1].Stages[2].BytesDone, Is.EqualTo(8 * TestImages.Megabyte));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Import_OutputOverLimit_Refused(CancellationToken cancellationToken)
    {
        Configure("Conversion:MaxOutputBytes", $"{2 * TestImages.Megabyte}");
        var noise = Directory.Write("noise.raw", TestImages.Noise(4 * TestImages.Megabyte));

        var import = await RunAsync(Request(Stage(noise)) with { OutputDiskFormat = "qcow2" }, cancellationToken);

        Assert.That(import.Failure?.Error, Is.EqualTo(ImportError.OutputTooLarge), import.Failure?.Message);
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Import_VirtualSizeOverLimit_Refused(CancellationToken cancellationToken)
    {
        Configure("MaxVirtualBytes", $"{TestImages.Megabyte}");

        var import = await ImportAsync(Directory.Create("image", "-f", "qcow2"), cancellationToken);

        Assert.That(import.Failure?.Error, Is.EqualTo(ImportError.VirtualSizeTooLarge));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Import_ToolTakesTooLong_SaysSo(CancellationToken cancellationToken)
    {
        Configure("Conversion:Timeout", "00:00:01");
        var pid = UseWaitingQemu();

        var import = await ImportAsync(Directory.Create("image", "-f", "qcow2"), cancellationToken);

        Assert.That(import.Failure?.Error, Is.EqualTo(ImportError.ToolTimedOut), import.Failure?.Message);
        Assert.That(import.Failure!.Facts["limit_seconds"], Is.EqualTo("1"));
        Assert.That(IsGone(pid), Is.True);
    }

    [TestCase("raw")]
    [TestCase("vmdk")]
    [CancelAfter(60_000)]
    public async Task Import_ToolFails_KeepsItsWordsToTheLog(string target, CancellationToken cancellationToken)
    {
        UseScriptAsQemu("echo \"qemu-img: Could not open '$3': it hurts. Run: qemu-img check\" >&2; exit 1");

        var import = await RunAsync(
            Request(Stage(Directory.Create("image", "-f", "qcow2"))) with { OutputDiskFormat = target }, cancellationToken);

        Assert.That(import.Failure?.Error, Is.EqualTo(ImportError.ToolFailed));
        Assert.That(import.Failure?.Message, Does.Contain("damaged").And.Not.Contain("hurts").And.Not.Contain("check"));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Import_MoreThanTheLedgerHas_FailsBeforeItStarts(CancellationToken cancellationToken)
    {
        FreeBytes = TestImages.Megabyte;

        var import = await ImportAsync(Directory.Convert(Directory.Raw(), "qcow2"), cancellationToken);

        Assert.That(
            (import.Failure?.Error, import.Failure?.Stage),
            Is.EqualTo((ImportError.NoSpace, "image_conversion")));
        Assert.That(import.Stages[2].BytesDone, Is.Zero);
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Import_SparseDisk_ReservesOnlyItsData(CancellationToken cancellationToken)
    {
        FreeBytes = 16 * TestImages.Megabyte;
        var sparse = Directory["sparse.qcow2"];
        CommandLine.Run("qemu-img", "create", "-q", "-f", "qcow2", sparse, "512M");

        var import = await ImportAsync(sparse, cancellationToken);

        Assert.That(import.Result?.Size, Is.EqualTo(512L << 20), import.Failure?.Message);
    }
}
