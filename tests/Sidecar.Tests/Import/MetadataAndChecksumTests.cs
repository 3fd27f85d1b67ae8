using NUnit.Framework;
using Sidecar.Import.Core;

namespace Sidecar.Tests.Import;

internal sealed class MetadataAndChecksumTests : ImportTest
{
    [TestCase("member", true)]
    [TestCase("admin", false)]
    [CancelAfter(60_000)]
    public async Task Inject_ByRole(string role, bool expected, CancellationToken cancellationToken)
    {
        Configure("Metadata:Inject:os_type", "linux");

        var import = await RunAsync(
            Request(Stage(Directory.Raw())) with { Stages = ["inject_image_metadata"], UserRoles = ["reader", role] },
            cancellationToken);

        Assert.That(import.Result!.Properties.ContainsKey("os_type"), Is.EqualTo(expected));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Digests_OfConvertedOutput_AreThoseOfTheFile(CancellationToken cancellationToken)
    {
        var import = await ImportAsync(Directory.Convert(Directory.Raw(), "qcow2"), cancellationToken);

        foreach (var algorithm in new[] { "md5", "sha512" })
        {
            var digest = CommandLine.Run($"{algorithm}sum", import.Result!.OutputPath).Split(' ')[0];
            Assert.That(import.Result.Digests[algorithm], Is.EqualTo(digest));
        }
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Digests_Configured_AreComputed(CancellationToken cancellationToken)
    {
        Configure("Digests:0", "sha256");
        Configure("Digests:1", "sha1");

        var import = await ImportAsync(Directory.Raw(), cancellationToken);

        Assert.That(import.Result!.Digests.Keys, Is.EquivalentTo(new[] { "sha256", "sha1" }));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Digests_OfATerabyteOfNothing_AreStoppedInTime(CancellationToken cancellationToken)
    {
        Configure("DigestTimeout", "00:00:01");
        var id = Stage(Directory.Raw());
        using (var file = File.OpenWrite(Layout.ImageFile(id))) file.SetLength(1L << 40);

        var import = await RunAsync(Request(id), cancellationToken);

        Assert.That(import.Failure?.Error, Is.EqualTo(ImportError.TimedOut), import.Failure?.Message);
        Assert.That(import.Failure?.Message, Does.Contain("Import:DigestTimeout"));
    }
}
