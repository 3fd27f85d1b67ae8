using System.Text;
using NUnit.Framework;
using Sidecar.Import.Core;

namespace Sidecar.Tests.Import.Claims;

/// <summary>What is no bare disk keeps its bytes.</summary>
internal sealed class ContainerTests : ImportTest
{
    [TestCase("aki", "aki")]
    [TestCase("aki", "bare")]
    [TestCase("ami", "ami")]
    [TestCase("raw", "docker")]
    [CancelAfter(60_000)]
    public async Task Import_Kernel_HasNoBootRecord(string format, string container, CancellationToken cancellationToken)
    {
        var kernel = TestImages.Noise(4096);
        "MZ"u8.CopyTo(kernel);
        kernel.AsSpan(446, 64).Fill(0xff);
        (kernel[510], kernel[511]) = (0x55, 0xaa);

        await AssertUntouchedAsync(kernel, format, container, cancellationToken);
    }

    [TestCase("ari", "ari")]
    [TestCase("ari", "bare")]
    [TestCase("raw", "docker")]
    [TestCase("qcow2", "compressed")]
    [CancelAfter(60_000)]
    public async Task Import_CompressedPartOfAnother_IsNotUnpacked(
        string format, string container, CancellationToken cancellationToken) =>
        await AssertUntouchedAsync(
            TestImages.Gzip([.. "070701"u8, .. TestImages.Noise(2000)]), format, container, cancellationToken);

    [TestCase("vmdk", "ova")]
    [TestCase("vmdk", "ovf")]
    [TestCase("qcow2", "compressed")]
    [TestCase("raw", "docker")]
    [CancelAfter(60_000)]
    public async Task Import_Container_IsConvertedByNobody(string format, string container, CancellationToken cancellationToken)
    {
        var archive = Encoding.ASCII.GetBytes("disk.vmdk".PadRight(4096, '\0'));

        await AssertUntouchedAsync(archive, format, container, cancellationToken);
        var other = format == "raw" ? "qcow2" : "raw";
        var request = RequestOf(archive, format, container) with { OutputDiskFormat = other };
        var refused = await RunAsync(request, cancellationToken);
        Assert.That(refused.Failure?.Error, Is.EqualTo(ImportError.UnsupportedFormat));
        Assert.That(refused.Failure!.Message, Does.Contain($"container of the format {container}").And.Contain(other));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Import_Qcow2SaidToBeAKernelInNoContainer_Refused(CancellationToken cancellationToken)
    {
        var request = Request(Stage(Directory.Create("image", "-f", "qcow2"))) with { DiskFormat = "aki" };

        Assert.That((await RunAsync(request, cancellationToken)).Failure?.Error, Is.EqualTo(ImportError.FormatMismatch));
    }

    private async Task AssertUntouchedAsync(byte[] content, string format, string container, CancellationToken cancellationToken)
    {
        var request = RequestOf(content, format, container);

        var import = await RunAsync(request, cancellationToken);

        Assert.That(import.State, Is.EqualTo(ImportState.Succeeded), import.Failure?.Message);
        Assert.That(
            (import.Result!.DiskFormat, import.Result.ContainerFormat, import.Result.OutputPath),
            Is.EqualTo((format, container, Layout.ImageFile(request.ImageId))));
        Assert.That(File.ReadAllBytes(import.Result.OutputPath), Is.EqualTo(content));
    }

    private ImportRequest RequestOf(byte[] content, string format, string container) =>
        Request(Stage(Directory.Write($"{Guid.NewGuid():N}", content))) with { DiskFormat = format, ContainerFormat = container };
}
