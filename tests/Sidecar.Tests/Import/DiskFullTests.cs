using NUnit.Framework;
using Sidecar.Import.Core;

namespace Sidecar.Tests.Import;

/// <summary>A volume that is really full, while the ledger believes otherwise: others may write to it.</summary>
internal sealed class DiskFullTests : ImportTest
{
    [SetUp]
    public void MountSmallVolume()
    {
        StagingDirectory = Directory["volume"];
        System.IO.Directory.CreateDirectory(StagingDirectory);
        var (exitCode, output) = CommandLine.TryRun(
            "/", "mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", StagingDirectory);
        if (exitCode != 0) Assert.Ignore($"a tmpfs cannot be mounted here: {output}");
    }

    [TearDown]
    public void Unmount() => CommandLine.TryRun("/", "umount", "-l", StagingDirectory);

    [TestCase("gzip")]
    [TestCase("qcow2")]
    [CancelAfter(60_000)]
    public async Task Import_VolumeFull_FailsCleanlyAndKeepsTheImage(
        string kind, CancellationToken cancellationToken)
    {
        var noise = Directory.Write("noise.raw", TestImages.Noise(8 * TestImages.Megabyte));
        var image = Stage(kind == "gzip" ? TestImages.Gzip(noise) : Directory.Convert(noise, "qcow2"));

        var import = await RunAsync(Request(image), cancellationToken);

        Assert.That(import.Failure?.Error, Is.EqualTo(ImportError.NoSpace), import.Failure?.Message);
        Assert.That(WorkFiles(import.ImportId), Is.EqualTo(new[] { "import.json" }));
        Assert.That(new FileInfo(Layout.ImageFile(image)).Length, Is.GreaterThan(8 * TestImages.Megabyte));
        Assert.That(Space.Snapshot().ReservedBytes, Is.Zero);
    }

    [Test]
    public void Start_NoRoomForTheJournal_RefusedAndForgotten()
    {
        var image = Stage(Directory.Write("noise.raw", TestImages.Noise(1000)));
        CommandLine.TryRun("/", "dd", "if=/dev/zero", $"of={Path.Combine(StagingDirectory, "filler")}", "bs=4k");

        Assert.That(
            () => Queue.Start(Request(image)),
            Throws.InstanceOf<ImportException>()
                .With.Property(nameof(ImportException.Error)).EqualTo(ImportError.NoSpace));
        Assert.That(Queue.List(), Is.Empty);
    }
}
