using System.Net;
using Glance.Sidecar.V1;
using Glance.Tests.Harness;
using Glance.Tests.Harness.Api;
using Glance.Tests.Harness.Servers;
using Grpc.Core;
using NUnit.Framework;

namespace Glance.Tests.CommonSite;

/// <summary>The sidecar dies without a word and comes back, at each point of an image's way.</summary>
internal sealed class KilledSidecarTests : CommonSiteTest
{
    private const int MiB = 1 << 20;

    [Test]
    public async Task InMidStage_TheUploadGoesOn()
    {
        var bytes = Noise(32 * MiB);
        using var user = Site.At(0);
        using var half = await HalfStagedAsync(user, 0, bytes);
        var id = half.ImageId;

        await Site.Sidecars.KillPodAsync(0);
        await Site.StartSidecarAsync(0);
        half.GoOn();

        AssertStatus(await half.Answer, HttpStatusCode.NoContent);
        await ImportedAsync(1, id);
        await AssertBytesAsync(2, id, bytes);
    }

    [Test]
    public async Task BetweenStageAndImport_NothingIsLost()
    {
        var bytes = Noise(3 * MiB);
        var id = await StagedAsync(0, "raw", bytes);

        await Site.Sidecars.KillPodAsync(0);
        await Site.StartSidecarAsync(0);
        await Site.Sidecars.AllReachableAsync();

        await ImportedAsync(1, id);
        await AssertBytesAsync(2, id, bytes);
    }

    [Test]
    public async Task InADecompression_TheImportGoesOn([Values(0, 1)] int importer)
    {
        var disk = Disk.Create(Site, 192 * MiB);
        var id = await StagedAsync(0, "qcow2", Disk.Gzip(await disk.AsAsync("qcow2")));
        using var user = Site.At(importer);
        AssertStatus(await user.ImportAsync(id), HttpStatusCode.Accepted);
        await RunsAsync(id, "image_decompression");

        await Site.Sidecars.KillPodAsync(0);
        await Site.StartSidecarAsync(0);

        await ActiveAsync(2, id);
        await AssertBytesAsync(2, id, disk.Raw);
    }

    [Test]
    public async Task InAConversion_TheImportGoesOn([Values(0, 1)] int importer)
    {
        var disk = Disk.Create(Site, 2 * MiB);
        var id = await StagedAsync(0, "qcow2", await disk.AsAsync("qcow2"));
        using var user = Site.At(importer);
        Site.Tool.HoldNext();
        AssertStatus(await user.ImportAsync(id), HttpStatusCode.Accepted);
        await Site.Tool.HeldAsync();

        await Site.Sidecars.KillPodAsync(0);
        await Site.StartSidecarAsync(0);

        await ActiveAsync(2, id);
        await AssertBytesAsync(2, id, disk.Raw);
    }

    [Test]
    public async Task InAHeldConversion_EndedPolitely_TheImportGoesOn()
    {
        var disk = Disk.Create(Site, 2 * MiB);
        var id = await StagedAsync(0, "qcow2", await disk.AsAsync("qcow2"));
        using var user = Site.At(0);
        Site.Tool.HoldNext();
        AssertStatus(await user.ImportAsync(id), HttpStatusCode.Accepted);
        await Site.Tool.HeldAsync();

        await Site.Sidecars.StopPodAsync(0);
        await Site.StartSidecarAsync(0);

        await ActiveAsync(1, id);
        await AssertBytesAsync(1, id, disk.Raw);
    }

    [Test]
    public async Task InAStoreUpload_TheImportSucceeds()
    {
        var bytes = Noise(96 * MiB);
        var id = await StagedAsync(0, "raw", bytes);
        // Glance itself writes for long enough to be met at it.
        await Site.ReconfigureAsync(0, ("direct", "off"));
        using var user = Site.At(0);
        using (var upload = new StoreUpload(Site, 0, Site.Fast, id))
        {
            AssertStatus(await user.ImportAsync(id), HttpStatusCode.Accepted);
            await upload.StoppedAsync(Path.Combine(Site.Store(Site.Fast), id), bytes.Length);
            await Site.Sidecars.KillPodAsync(0);
            upload.GoOn();
        }

        await ActiveAsync(1, id);
        await Site.StartSidecarAsync(0);
        await AssertBytesAsync(1, id, bytes);
    }

    // Asks without a pause: a stage may be short.
    private async Task RunsAsync(string id, string stage)
    {
        while (true)
        {
            using var call = Site.Sidecars[0].Imports.ListImports(new ListImportsRequest { ImageId = id }, cancellationToken: Deadline);
            await foreach (var import in call.ResponseStream.ReadAllAsync(Deadline))
            {
                if (import.Stages.Any(one => one.Name == stage && one.State == StageProgress.Types.State.Running)) return;
                Assert.That(import.State, Is.AnyOf(Import.Types.State.Queued, Import.Types.State.Running), "too late");
            }
        }
    }
}
