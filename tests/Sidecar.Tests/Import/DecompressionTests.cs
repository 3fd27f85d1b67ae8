using System.Security.Cryptography;
using NUnit.Framework;
using Sidecar.Import.Core;

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
    public async Task Import_GzippedBadImage_RefusedByItsFirstBytes(CancellationToken cancellationToken)
    {
        Directory.Create("base.qcow2", "-f", "qcow2");
        var bad = Directory.Create("bad.qcow2", "-f", "qcow2", "-b", "base.qcow2", "-F", "qcow2");

        var import = await ImportAsync(TestImages.Gzip(bad), cancellationToken);

        Assert.That(
            (import.Failure?.Error, import.Failure?.Stage, import.Failure?.Facts["check"]),
            Is.EqualTo((ImportError.ImageRefused, "image_decompression", "qcow2_backing_file")));
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

    [TestCase("xz")]
    [TestCase("zstd")]
    [TestCase("bzip2")]
    [TestCase("lz4")]
    [CancelAfter(60_000)]
    public async Task Import_PackedByAProgram_BecomesTheRawDisk(string program, CancellationToken cancellationToken)
    {
        var raw = Directory.Raw(megabytes: 64);
        var packed = Pack(program, Directory.Convert(raw, "qcow2"));

        var import = await RunAsync(Request(Stage(packed)) with { DiskFormat = "qcow2" }, cancellationToken);

        Assert.That(import.State, Is.EqualTo(ImportState.Succeeded), import.Failure?.Message);
        AssertSameDisk(raw, "raw", import.Result!.OutputPath, "raw");
        var unpacking = import.Stages.Single(stage => stage.Name == "image_decompression");
        Assert.That(unpacking.BytesDone, Is.EqualTo(new FileInfo(packed).Length), "progress");
        Assert.That(
            WorkFiles(import.ImportId), Is.EqualTo(new[] { $"{import.Request.ImageId}.raw", "import.json" }));
    }

    [TestCase("xz")]
    [TestCase("zstd")]
    [TestCase("bzip2")]
    [TestCase("lz4")]
    [CancelAfter(60_000)]
    public async Task Import_SeveralPiecesInARow_AreOneDisk(string program, CancellationToken cancellationToken)
    {
        var content = TestImages.Noise(3 * TestImages.Megabyte);
        var first = File.ReadAllBytes(Pack(program, Directory.Write("first", content[..TestImages.Megabyte])));
        var rest = File.ReadAllBytes(Pack(program, Directory.Write("rest", content[TestImages.Megabyte..])));

        var import = await ImportAsync(Directory.Write("both", [.. first, .. rest]), cancellationToken);

        Assert.That(import.State, Is.EqualTo(ImportState.Succeeded), import.Failure?.Message);
        Assert.That(File.ReadAllBytes(import.Result!.OutputPath), SameBytes.As(content));
    }

    [TestCase("xz")]
    [TestCase("zstd")]
    [TestCase("bzip2")]
    [TestCase("lz4")]
    [CancelAfter(60_000)]
    public async Task Import_PackedByAProgramAndDamaged_FailsWithoutFiles(
        string program, CancellationToken cancellationToken)
    {
        var whole = File.ReadAllBytes(Pack(program, Directory.Write("noise", TestImages.Noise(3 * TestImages.Megabyte))));
        var changed = whole.ToArray();
        changed[whole.Length / 2] ^= 0x10;

        foreach (var damaged in (byte[][])[whole[..^5], whole[..(whole.Length / 2)], changed])
        {
            var import = await ImportAsync(Directory.Write("damaged", damaged), cancellationToken);
            Assert.That(
                (import.Failure?.Error, import.Failure?.Stage),
                Is.EqualTo((ImportError.CompressedDataCorrupt, "image_decompression")), import.Failure?.Message);
            Assert.That(import.Failure!.Facts["compression"], Is.EqualTo(program));
            Assert.That(WorkFiles(import.ImportId), Is.EqualTo(new[] { "import.json" }));
        }
    }

    [TestCase("xz")]
    [TestCase("zstd")]
    [CancelAfter(60_000)]
    public async Task Import_BombOfAProgram_StoppedByRatio(string program, CancellationToken cancellationToken)
    {
        Configure("Decompression:RatioFloorBytes", "67108864");

        var import = await ImportAsync(Bomb(150, program), cancellationToken);

        Assert.That(import.Failure?.Error, Is.EqualTo(ImportError.RatioExceeded), import.Failure?.Message);
        Assert.That(WorkFiles(import.ImportId), Is.EqualTo(new[] { "import.json" }));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Import_WindowThatTakesTooMuchMemory_SaysSo(CancellationToken cancellationToken)
    {
        CommandLine.RunIn(Directory.Path, "sh", "-c", "head -c 3M /dev/urandom | zstd -q --long=31 > wide.zst");

        var import = await ImportAsync(Directory["wide.zst"], cancellationToken);

        Assert.That(import.Failure?.Error, Is.EqualTo(ImportError.CompressionUnsupported), import.Failure?.Message);
        Assert.That(import.Failure?.Message, Does.Contain("more memory").And.Contain("smaller window"));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Import_PackedByAProgramThatIsNotThere_NamesTheSetting(CancellationToken cancellationToken)
    {
        Configure("Tools:Xz", "/nowhere/xz");

        var import = await ImportAsync(Pack("xz", Directory.Raw()), cancellationToken);

        Assert.That(import.Failure?.Error, Is.EqualTo(ImportError.ToolMissing));
        Assert.That(import.Failure?.Message, Does.Contain("Import:Tools:Xz"));
    }

    [TestCase("raw", "raw", true)]
    [TestCase("qcow2", "raw", true)]
    [TestCase("qcow2", "vmdk", false, Description = "what a program writes nobody else has seen")]
    [CancelAfter(60_000)]
    public async Task Import_PackedImage_IsReadOnceForItsDigests(
        string format, string target, bool once, CancellationToken cancellationToken)
    {
        var raw = Directory.Raw();
        var packed = TestImages.Gzip(format == "raw" ? raw : Directory.Convert(raw, format));

        var import = await RunAsync(Request(Stage(packed)) with { OutputDiskFormat = target }, cancellationToken);

        Assert.That(import.State, Is.EqualTo(ImportState.Succeeded), import.Failure?.Message);
        var digest = await SHA512.HashDataAsync(File.OpenRead(import.Result!.OutputPath), cancellationToken);
        Assert.That(import.Result.Digests["sha512"], Is.EqualTo(Convert.ToHexStringLower(digest)));
        var read = import.Stages.Single(stage => stage.Name == "image_checksum").BytesTotal;
        Assert.That(read, Is.EqualTo(once ? 0 : new FileInfo(import.Result.OutputPath).Length));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Import_PackedImage_IsReadOnceForTheDigestsOfItsRequest(CancellationToken cancellationToken)
    {
        var raw = Directory.Raw();
        var request = Request(Stage(TestImages.Gzip(raw))) with { Digests = ["sha256"] };

        var import = await RunAsync(request, cancellationToken);

        var digest = Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(raw, cancellationToken)));
        Assert.That(import.Result!.Digests, Is.EquivalentTo(new Dictionary<string, string> { ["sha256"] = digest }));
        Assert.That(import.Stages.Single(stage => stage.Name == "image_checksum").BytesTotal, Is.Zero);
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Import_PackedBadImage_IsRefusedBeforeAllOfItIsUnpacked(CancellationToken cancellationToken)
    {
        Directory.Create("base.qcow2", "-f", "qcow2");
        var bad = Directory.Create("bad.qcow2", "-f", "qcow2", "-b", "base.qcow2", "-F", "qcow2");
        var packed = TestImages.Gzip([.. await File.ReadAllBytesAsync(bad, cancellationToken), .. TestImages.Noise(4 * TestImages.Megabyte)]);

        // Its end is missing, which would be told first by whoever came there.
        var import = await ImportAsync(Directory.Write("packed", packed[..(packed.Length / 2)]), cancellationToken);

        Assert.That(import.Failure?.Error, Is.EqualTo(ImportError.ImageRefused), import.Failure?.Message);
    }

    [TestCase("")]
    [TestCase("raw")]
    [TestCase("qcow2")]
    [CancelAfter(60_000)]
    public async Task Import_PackedWhereNothingUnpacksIt_IsRefused(string claimed, CancellationToken cancellationToken)
    {
        var request = Request(Stage(Pack("xz", Directory.Raw()))) with { DiskFormat = claimed, Stages = ["image_inspection"] };

        var import = await RunAsync(request, cancellationToken);

        Assert.That(import.Failure?.Error, Is.EqualTo(ImportError.FormatMismatch), import.Failure?.Message);
        Assert.That(import.Failure!.Message, Does.Contain("xz").And.Contain("image_decompression"));
    }

    [TestCase("sleep 1000")]
    [TestCase("cat > /dev/null; sleep 1000")]
    [TestCase("exec >&-; sleep 1000")]
    [CancelAfter(60_000)]
    public async Task Import_ProgramThatHangs_IsStopped(string script, CancellationToken cancellationToken)
    {
        var hanging = Directory.Write("xz.sh", System.Text.Encoding.UTF8.GetBytes($"#!/bin/sh\n{script}\n"));
        File.SetUnixFileMode(hanging, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        Configure("Tools:Xz", hanging);
        Configure("Confinement", "off"); // it starts other programs
        Configure("Decompression:Timeout", "00:00:01");

        var import = await ImportAsync(Pack("xz", Directory.Raw()), cancellationToken);

        Assert.That(import.Failure?.Error, Is.EqualTo(ImportError.ToolTimedOut), import.Failure?.Message);
        Assert.That(WorkFiles(import.ImportId), Is.EqualTo(new[] { "import.json" }));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Import_GzipWithEndlessPadding_IsStoppedInTime(CancellationToken cancellationToken)
    {
        Configure("Decompression:Timeout", "00:00:01");
        var id = Stage(Pack("gzip", Directory.Raw()));
        using (var file = File.OpenWrite(Layout.ImageFile(id))) file.SetLength(1L << 40);

        var import = await RunAsync(Request(id), cancellationToken);

        Assert.That(import.Failure?.Error, Is.EqualTo(ImportError.TimedOut), import.Failure?.Message);
    }

    [TestCase(1, 0)]
    [TestCase(3, 0)]
    [TestCase(1, 512)]
    [CancelAfter(60_000)]
    public async Task Import_GzipWithEmptyMembers_IsUnpacked(int empty, int padding, CancellationToken cancellationToken)
    {
        var raw = Directory.Raw();
        var member = await File.ReadAllBytesAsync(Pack("gzip", raw), cancellationToken);
        // As bgzip ends each of its files: cat a.gz b.gz has one in the middle.
        byte[] nothing = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        byte[] between = [.. Enumerable.Repeat(nothing, empty).SelectMany(bytes => bytes)];
        var archive = Directory.Write(
            "members.gz", [.. between, .. member, .. between, .. member, .. between, .. new byte[padding]]);

        var import = await ImportAsync(archive, cancellationToken);

        Assert.That(import.State, Is.EqualTo(ImportState.Succeeded), import.Failure?.Message);
        Assert.That(import.Result!.Size, Is.EqualTo(2 * new FileInfo(raw).Length));
    }

    private string Bomb(int megabytes, string program)
    {
        CommandLine.RunIn(Directory.Path, "sh", "-c", $"head -c {megabytes}M /dev/zero | {program} -c > bomb");
        return Directory["bomb"];
    }

    private static string Pack(string program, string path)
    {
        CommandLine.Run("sh", "-c", $"{program} -1 -c < {path} > {path}.{program}");
        return $"{path}.{program}";
    }

    private string Bomb(int megabytes)
    {
        CommandLine.RunIn(Directory.Path, "sh", "-c", $"head -c {megabytes}M /dev/zero | gzip -9 > bomb.gz");
        return Directory["bomb.gz"];
    }

    private static StageState StateOf(ImportSnapshot import, string stage) =>
        import.Stages.Single(progress => progress.Name == stage).State;
}
