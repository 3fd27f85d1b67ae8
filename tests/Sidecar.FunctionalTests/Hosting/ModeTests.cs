using Glance.Sidecar.V1;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.FunctionalTests.Hosting;

/// <summary>glance-api runs as another user of the same group: it must read and remove what the daemon makes.</summary>
internal sealed class ModeTests : ClusterTest
{
    private const string Shared = "660";
    private const string SharedDirectory = "770";

    private static readonly string[] UnderStrictUmask = ["sh", "-c", "umask 077; exec \"$@\"", "sh"];

    [Test]
    public async Task Daemon_WithAStrictUmask_SharesWhatItMakesWithItsGroup()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartUnderAsync(UnderStrictUmask, directory.Path);
        var (id, importId) = (NewId(), NewId());
        await StageAsync(sidecar, id, Content(1 << 20));
        var request = new RunImportRequest { ImageId = id, ImportId = importId, OutputDiskFormat = "qcow2" };
        var result = (await RunAsync(sidecar, request))[^1].Result;
        Assert.That(Mode(directory.Staging, id), Is.EqualTo(Shared));
        Assert.That(Mode(result.OutputPath), Is.EqualTo(Shared));
        Assert.That(Path.GetDirectoryName(result.OutputPath), Is.EqualTo(Path.Combine(directory.Staging, ".sidecar/imports", importId)));
        foreach (var part in new[] { "", ".sidecar", ".sidecar/imports", ".sidecar/outputs", $".sidecar/imports/{importId}" })
        {
            Assert.That(Mode(directory.Staging, part), Is.EqualTo(SharedDirectory), part);
        }

        Assert.That(Mode(sidecar.Socket), Is.EqualTo(Shared));
    }

    [Test]
    public async Task FetchedOutput_IsSharedWithTheGroup()
    {
        await using var cluster = await Cluster.StartAsync(2);
        var (id, importId) = (NewId(), NewId());
        await StageAsync(cluster[1], id, Content(1 << 20));
        var request = new RunImportRequest
        {
            ImageId = id, ImportId = importId, OutputPlacement = OutputPlacement.BringHere, OutputDiskFormat = "qcow2",
        };
        var output = (await RunAsync(cluster[0], request))[^1].Result.OutputPath;
        Assert.That(output, Does.StartWith(cluster.Staging(0)));
        Assert.That((Mode(output), Mode(Path.GetDirectoryName(output)!)), Is.EqualTo((Shared, SharedDirectory)));
    }

    private static string Mode(params string[] path) => Convert.ToString((int)File.GetUnixFileMode(Path.Combine(path)), 8);
}
