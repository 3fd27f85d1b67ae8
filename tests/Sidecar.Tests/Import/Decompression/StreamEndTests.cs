using NUnit.Framework;
using Sidecar.Import.Core;

namespace Sidecar.Tests.Import.Decompression;

/// <summary>What stands behind, before and between whole streams, and what is none of the kinds that are unpacked.</summary>
internal sealed class StreamEndTests : ImportTest
{
    private static readonly byte[] Content = [.. TestImages.Noise(300_000), .. new byte[200_000]];
    private static readonly string[] Packers = ["gzip", "xz", "zstd", "bzip2", "lz4", "lz4 -l", "xz --format=lzma", "pzstd"];

    [Test]
    [CancelAfter(60_000)]
    public async Task Import_OfEveryKind_IsUnpacked([ValueSource(nameof(Packers))] string packer, CancellationToken cancellationToken) =>
        await AssertUnpacked(Pack(packer), cancellationToken);

    [Test]
    [CancelAfter(60_000)]
    public async Task Import_OtherBytesBehindAWholeStream_AreLeftOut(
        [Values("gzip", "xz", "zstd", "bzip2", "lz4", "pzstd")] string packer, [Values(1, 3, 40, 200_000)] int count,
        CancellationToken cancellationToken) =>
        await AssertUnpacked([.. Pack(packer), .. TestImages.Noise(count, seed: 3)], cancellationToken);

    [Test]
    [CancelAfter(60_000)]
    public async Task Import_SecondStreamWhoseBeginningIsDamaged_IsRefused(
        [Values("gzip", "xz", "zstd", "bzip2", "lz4")] string packer, [Values(0, 1, 2)] int at,
        CancellationToken cancellationToken)
    {
        var second = Pack(packer);
        second[at] ^= 0x40;

        var import = await ImportAsync(Directory.Write("both", [.. Pack(packer), .. second]), cancellationToken);

        Assert.That(import.Failure?.Error, Is.EqualTo(ImportError.CompressedDataCorrupt), import.Failure?.Message);
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Import_SecondStreamCutShort_IsRefused(
        [Values("gzip", "xz", "zstd", "bzip2", "lz4")] string packer, [Values(2, 20, -1)] int length,
        CancellationToken cancellationToken)
    {
        var second = Pack(packer);
        var part = length < 0 ? second[..^9] : second[..length];

        var import = await ImportAsync(Directory.Write("both", [.. Pack(packer), .. part]), cancellationToken);

        Assert.That(import.Failure?.Error, Is.EqualTo(ImportError.CompressedDataCorrupt), import.Failure?.Message);
    }

    [TestCase("zstd")]
    [TestCase("lz4")]
    [CancelAfter(60_000)]
    public async Task Import_LongSkippableFrameFirst_IsUnpacked(string packer, CancellationToken cancellationToken)
    {
        byte[] skippable = [0x5c, 0x2a, 0x4d, 0x18, 0x40, 0x42, 0x0f, 0, .. TestImages.Noise(1_000_000)];

        await AssertUnpacked([.. skippable, .. Pack(packer), .. skippable], cancellationToken);
    }

    [TestCase("7z", "377abcaf271c0004")]
    [TestCase("lzip", "4c5a49500114")]
    [TestCase("rar", "526172211a070100")]
    [TestCase("rar", "526172211a0700cf")]
    [TestCase("compress", "1f9d90")]
    [TestCase("lzop", "894c5a4f000d0a1a0a")]
    [TestCase("cab", "4d53434600000000")]
    [TestCase("empty zip", "504b0506000000000000000000000000")]
    [CancelAfter(60_000)]
    public async Task Import_OfAKindThatIsNotUnpacked_IsRefusedByName(
        string name, string head, CancellationToken cancellationToken)
    {
        var packed = Directory.Write("packed", [.. Convert.FromHexString(head), .. TestImages.Noise(100_000)]);

        var import = await ImportAsync(packed, cancellationToken);

        Assert.That(import.Failure?.Error, Is.EqualTo(ImportError.CompressionUnsupported), import.Failure?.Message);
        Assert.That(import.Failure!.Facts["compression"], Is.EqualTo(name));
    }

    [TestCase("ari", "ari")]
    [TestCase("aki", "aki")]
    [TestCase("qcow2", "ovf")]
    [TestCase("raw", "docker")]
    [CancelAfter(60_000)]
    public async Task Import_CompressionThatBelongsToItsContainer_Stays(
        string disk, string container, CancellationToken cancellationToken)
    {
        var packed = Pack("gzip");
        var request = Request(Stage(Directory.Write("packed", packed))) with
        {
            DiskFormat = disk, ContainerFormat = container, Stages = ["image_decompression"],
        };

        var import = await RunAsync(request, cancellationToken);

        if (import.State == ImportState.Succeeded) Assert.That(File.ReadAllBytes(import.Result!.OutputPath), SameBytes.As(packed));
        else Assert.That(import.Failure!.Error, Is.EqualTo(ImportError.FormatMismatch)); // a qcow2 it is not
    }

    private byte[] Pack(string packer)
    {
        var path = Directory.Write("content", Content);
        CommandLine.Run("sh", "-c", $"{packer} -c < {path} > {path}.packed");
        return File.ReadAllBytes($"{path}.packed");
    }

    private async Task AssertUnpacked(byte[] packed, CancellationToken cancellationToken)
    {
        var import = await ImportAsync(Directory.Write("packed", packed), cancellationToken);

        Assert.That(import.State, Is.EqualTo(ImportState.Succeeded), import.Failure?.Message);
        Assert.That(File.ReadAllBytes(import.Result!.OutputPath), SameBytes.As(Content));
    }
}
