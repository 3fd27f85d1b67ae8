using NUnit.Framework;
using Sidecar.Import.Core;

namespace Sidecar.Tests.Import.Decompression;

/// <summary>tar, alone and compressed, and zip, whole imports: one file is taken, whatever else is no file of anybody's.</summary>
internal sealed class ArchiveTests : ImportTest
{
    private static readonly byte[] Content = [.. TestImages.Noise(300_000), .. new byte[200_000]];
    private static readonly string[] Filters = ["cat", "gzip", "xz", "zstd", "bzip2", "lz4"];
    private static readonly string[] Formats = ["ustar", "gnu", "pax", "v7"];

    [Test]
    [CancelAfter(60_000)]
    public async Task Import_TarOfOneFile_IsTheFile([ValueSource(nameof(Filters))] string filter, CancellationToken cancellationToken)
    {
        var raw = Directory.Write("disk.raw", Content);
        Shell($"tar c disk.raw | {filter} > packed");

        await AssertTakenAsync(cancellationToken);
        Assert.That(File.ReadAllBytes(raw), SameBytes.As(Content));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Import_TarOfOneFileInFolders_IsTheFile([ValueSource(nameof(Formats))] string format, CancellationToken cancellationToken)
    {
        var name = format is "gnu" or "pax" ? new string('n', 150) : "disk.raw";
        Directory.Write("content", Content);
        Shell($"mkdir -p a/b && mv content a/b/{name} && echo fork > a/b/._fork && echo x > a/.DS_Store && tar c --format={format} a > packed");

        await AssertTakenAsync(cancellationToken);
    }

    [TestCase("tar c one two", "more than one file")]
    [TestCase("mkdir d && tar c d", "no file")]
    [TestCase("ln -s one link && tar c link", "link")]
    [TestCase("ln one hard && tar c one hard", "link")]
    [TestCase("mkfifo pipe && tar c pipe", "device or a pipe")]
    [TestCase("truncate -s 20M holes && tar c --sparse --format=gnu holes", "sparse")]
    [TestCase("truncate -s 20M holes && tar c --sparse --format=posix holes", "sparse")]
    [CancelAfter(60_000)]
    public async Task Import_TarThatIsNotOneFile_IsRefusedByName(string make, string says, CancellationToken cancellationToken)
    {
        Directory.Write("one", Content);
        Directory.Write("two", Content);
        Shell($"({make}) | gzip > packed");

        var import = await ImportAsync(Directory["packed"], cancellationToken);

        Assert.That(import.Failure?.Error, Is.EqualTo(ImportError.CompressionUnsupported), import.Failure?.Message);
        Assert.That(import.Failure!.Message, Does.Contain("tar").And.Contain(says));
        Assert.That(WorkFiles(import.ImportId), Is.EqualTo(new[] { "import.json" }));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Import_TarCutShort_IsRefused(CancellationToken cancellationToken)
    {
        Directory.Write("disk.raw", Content);
        Shell("tar c disk.raw | head -c 200000 > packed");

        var import = await ImportAsync(Directory["packed"], cancellationToken);

        Assert.That(import.Failure?.Error, Is.EqualTo(ImportError.CompressedDataCorrupt), import.Failure?.Message);
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Import_TarThatSkipsMuch_IsStoppedByRatio(CancellationToken cancellationToken)
    {
        Configure("Decompression:RatioFloorBytes", "67108864");
        Shell("truncate -s 200M ._big && tar c ._big | gzip > packed");

        var import = await ImportAsync(Directory["packed"], cancellationToken);

        Assert.That(import.Failure?.Error, Is.EqualTo(ImportError.RatioExceeded), import.Failure?.Message);
    }

    [TestCase("gzip -c disk.raw | gzip")]
    [TestCase("gzip -k disk.raw && tar c disk.raw.gz")]
    [TestCase("gzip -c disk.raw | xz")]
    [CancelAfter(60_000)]
    public async Task Import_PackedTwice_IsRefused(string make, CancellationToken cancellationToken)
    {
        Directory.Write("disk.raw", Content);
        Shell($"({make}) > packed");

        var import = await ImportAsync(Directory["packed"], cancellationToken);

        Assert.That(import.Failure?.Error, Is.EqualTo(ImportError.CompressionUnsupported), import.Failure?.Message);
        Assert.That(import.Failure!.Facts["compression"], Is.EqualTo("gzip"));
    }

    [TestCase("d/disk.raw")]
    [TestCase("disk.raw")]
    [CancelAfter(60_000)]
    public async Task Import_ZipOfMacOs_IsTheDisk(string name, CancellationToken cancellationToken)
    {
        System.IO.Directory.CreateDirectory(Directory["d"]);
        System.IO.Directory.CreateDirectory(Directory["__MACOSX"]);
        Directory.Write(name, Content);
        Directory.Write("__MACOSX/._disk.raw", [1, 2, 3]);
        Directory.Write("d/.DS_Store", [1, 2, 3]);
        Shell($"zip -q -r packed.zip d {name} __MACOSX && mv packed.zip packed");

        await AssertTakenAsync(cancellationToken);
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Import_ZipOfALink_IsRefused(CancellationToken cancellationToken)
    {
        Shell("ln -s /etc/passwd link && zip -q -y packed.zip link && mv packed.zip packed");

        var import = await ImportAsync(Directory["packed"], cancellationToken);

        Assert.That(import.Failure?.Error, Is.EqualTo(ImportError.CompressionUnsupported), import.Failure?.Message);
    }

    private void Shell(string script) => CommandLine.RunIn(Directory.Path, "sh", "-c", script);

    private async Task AssertTakenAsync(CancellationToken cancellationToken)
    {
        var import = await ImportAsync(Directory["packed"], cancellationToken);

        Assert.That(import.State, Is.EqualTo(ImportState.Succeeded), import.Failure?.Message);
        Assert.That(File.ReadAllBytes(import.Result!.OutputPath), SameBytes.As(Content));
    }
}
