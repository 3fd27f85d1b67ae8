using System.Net;
using Glance.Tests.Harness;
using NUnit.Framework;

namespace Glance.Tests.CommonSite;

/// <summary>A program of an import is killed, as the kernel does when a pod has no memory left.</summary>
internal sealed class KilledToolTests : CommonSiteTest
{
    private const int MiB = 1 << 20;

    [Test]
    public async Task InAConversion_NothingIsSaidOfTheImageWhichCanBeImportedAgain([Values(0, 1)] int importer)
    {
        var disk = Disk.Create(Site, 2 * MiB);
        var id = await StagedAsync(0, "qcow2", await disk.AsAsync("qcow2"));
        using var user = Site.At(importer);
        Site.Tool.HoldNext();
        AssertStatus(await user.ImportAsync(id), HttpStatusCode.Accepted);

        Command.Signal("KILL", await Site.Tool.HeldAsync());

        Assert.That(await FailureAsync(importer, id), Does.Contain("TOOL_UNAVAILABLE").And.Contain("still staged"));
        await EndedAsync(2, id, "uploading");
        await ImportedAsync(importer, id);
        await AssertBytesAsync(2, id, disk.Raw);
    }
}
