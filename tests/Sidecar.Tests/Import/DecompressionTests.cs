using NUnit.Framework;
using Sidecar.Import;

namespace Sidecar.Tests.Import;

internal sealed class DecompressionTests : ImportTest
{
    [Test]
    [CancelAfter(60_000)]
    public async Task Import_GzippedQcow2_BecomesTheRawDisk(CancellationToken cancellationToken)
    {
        var raw = Directory.Raw(megabytes: 64);
        var qcow2 = Directory.Convert(raw, "qcow2");

        var import = await RunAsync(
            Request(Stage(TestImages.Gzip(qcow2))) with { DiskFormat = "qcow2" }, cancellationToken);

        Assert.That(import.State, Is.EqualTo(ImportState.Succeeded), import.Failure?.Message);
        Assert.That(import.Result!.DiskFormat, Is.EqualTo("raw"));
        AssertSameDisk(raw, "raw", import.Result.OutputPath, "raw");
        Assert.That(
            WorkFiles(import.ImportId), Is.EqualTo(new[] { $"{import.Request.ImageId}.raw", "import.json" }));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Import_ZippedRaw_IsUnpackedOnly(CancellationToken cancellationToken)
    {
        var raw = Directory.Raw();
        CommandLine.RunIn(Directory.Path, "zip", "-q", "disk.zip", "disk.raw");

        var import = await ImportAsync(Directory["disk.zip"], cancellationToken);

        Assert.That(import.State, Is.EqualTo(ImportState.Succeeded), import.Failure?.Message);
        AssertSameDisk(raw, "raw", import.Result!.OutputPath, "raw");
        Assert.That(StateOf(import, "image_conversion"), Is.EqualTo(StageState.Skipped));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Import_CompressedContainer_IsLeftAlone(CancellationToken cancellationToken)
    {
        var gzip = TestImages.Gzip(Directory.Convert(Directory.Raw(), "qcow2"));
        var request = Request(Stage(gzip)) with { DiskFormat = "qcow2", ContainerFormat = "compressed" };

        var import = await RunAsync(request, cancellationToken);

        Assert.That(import.State, Is.EqualTo(ImportState.Succeeded), import.Failure?.Message);
        Assert.That(
            (import.Result!.DiskFormat, import.Result.ContainerFormat, import.Result.OutputPath),
            Is.EqualTo(("qcow2", "compressed", Layout.ImageFile(request.ImageId))));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Import_GzippedBadImage_RefusedByTheInspectionAfterwards(CancellationToken cancellationToken)
    {
        Directory.Create("base.qcow2", "-f", "qcow2");
        var bad = Directory.Create("bad.qcow2", "-f", "qcow2", "-b", "base.qcow2", "-F", "qcow2");

        var import = await ImportAsync(TestImages.Gzip(bad), cancellationToken);

        Assert.That(
            (import.Failure?.Error, import.Failure?.Stage, import.Failure?.Facts["check"]),
            Is.EqualTo((ImportError.ImageRefused, "image_inspection", "qcow2_backing_file")));
        Assert.That(WorkFiles(import.ImportId), Is.EqualTo(new[] { "import.json" }));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Import_GzipWithoutDecompression_IsAMismatch(CancellationToken cancellationToken)
    {
        var gzip = TestImages.Gzip(Directory.Convert(Directory.Raw(), "qcow2"));
        var request = Request(Stage(gzip)) with { DiskFormat = "qcow2", Stages = ["image_conversion"] };

        var import = await RunAsync(request, cancellationToken);

        Assert.That(
            (import.Failure?.Error, import.Failure?.Facts["detected"]),
            Is.EqualTo((ImportError.FormatMismatch, "gzip")));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Import_TruncatedGzip_FailsWithoutFiles(CancellationToken cancellationToken)
    {
        var gzip = File.ReadAllBytes(TestImages.Gzip(Directory.Raw()));

        var import = await ImportAsync(Directory.Write("short.gz", gzip[..^5]), cancellationToken);

        Assert.That(
            (import.Failure?.Error, import.Failure?.Stage),
            Is.EqualTo((ImportError.CompressedDataCorrupt, "image_decompression")));
        Assert.That(WorkFiles(import.ImportId), Is.EqualTo(new[] { "import.json" }));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Import_GzipBomb_StoppedByRatio(CancellationToken cancellationToken)
    {
        Configure("Decompression:RatioFloorBytes", "67108864");

        var import = await ImportAsync(Bomb(200), cancellationToken);

        Assert.That(import.Failure?.Error, Is.EqualTo(ImportError.RatioExceeded));
        Assert.That(import.Stages[1].BytesDone, Is.LessThan(import.Stages[1].BytesTotal));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Import_GzipBomb_StoppedByOutputLimit(CancellationToken cancellationToken)
    {
        Configure("Decompression:MaxOutputBytes", "50000000");

        var import = await ImportAsync(Bomb(100), cancellationToken);

        Assert.That(import.Failure?.Error, Is.EqualTo(ImportError.OutputTooLarge));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Import_MoreThanTheLedgerHas_FailsWithNoSpace(CancellationToken cancellationToken)
    {
        FreeBytes = 100_000;

        var import = await ImportAsync(TestImages.Gzip(Directory.Raw()), cancellationToken);

        Assert.That(
            (import.Failure?.Error, import.Failure?.Facts.ContainsKey("needed")),
            Is.EqualTo((ImportError.NoSpace, true)));
        Assert.That(Space.Snapshot().ReservedBytes, Is.Zero);
    }

    private string Bomb(int megabytes)
    {
        CommandLine.RunIn(Directory.Path, "sh", "-c", $"head -c {megabytes}M /dev/zero | gzip -9 > bomb.gz");
        return Directory["bomb.gz"];
    }

    private static StageState StateOf(ImportSnapshot import, string stage) =>
        import.Stages.Single(progress => progress.Name == stage).State;
}
