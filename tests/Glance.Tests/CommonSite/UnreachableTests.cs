using System.Diagnostics;
using System.Net;
using Glance.Tests.Harness;
using Glance.Tests.Harness.Api;
using Glance.Tests.Harness.Servers;
using NUnit.Framework;

namespace Glance.Tests.CommonSite;

/// <summary>Pods and sidecars that are down, or do not move.</summary>
internal sealed class UnreachableTests : CommonSiteTest
{
    private const int MiB = 1 << 20;

    [Test]
    public async Task DeadOwner_ImportNamesIt_AndWorksWhenItIsBack()
    {
        var bytes = Noise(3 * MiB);
        var id = await StagedAsync(0, "raw", bytes);
        await KillPodAsync(0);
        using var user = Site.At(1);

        var answer = await user.ImportAsync(id);

        AssertUnavailable(answer);
        Assert.That(answer.Text, Does.Contain("glance-0"));
        await Site.RestoreAsync();
        await ImportedAsync(1, id);
        await AssertBytesAsync(2, id, bytes);
    }

    [Test]
    public async Task DeadOwner_DeleteWorks_AndItIsToldWhenItIsBack()
    {
        var id = await StagedAsync(0, "raw", Noise(3 * MiB));
        await KillPodAsync(0);

        await DeleteAsync(1, id);

        await Site.RestoreAsync();
        await Until.TrueAsync(() => !File.Exists(Path.Combine(Site.Staging(0), id)));
    }

    [Test]
    public async Task SidecarDown_StageAndImportSayWhenToRetry()
    {
        var id = await StagedAsync(0, "raw", Noise(MiB));
        await Site.Sidecars.KillPodAsync(1);
        using var user = Site.At(1);
        var other = await user.CreateAsync("raw");

        AssertUnavailable(await user.ImportAsync(id));
        AssertUnavailable(await user.StageAsync(other, Noise(MiB)));

        await EndedAsync(0, other, "queued");
        await ImportedAsync(2, id);
        // The pod that was asked takes part again.
        await Site.RestoreAsync();
        await AcceptedAsync(() => user.StageAsync(other, Noise(MiB)), HttpStatusCode.NoContent);
        await ImportedAsync(0, other);
    }

    [Test]
    public async Task SidecarDown_DeleteWorks_AndItIsToldWhenItIsBack()
    {
        var id = await StagedAsync(0, "raw", Noise(3 * MiB));
        await Site.Sidecars.KillPodAsync(0);

        await DeleteAsync(0, id);

        await Site.RestoreAsync();
        await Until.TrueAsync(() => !File.Exists(Path.Combine(Site.Staging(0), id)));
    }

    [Test]
    public async Task SidecarDown_ByPolicy_PlainGlanceGoesOn()
    {
        await Site.ReconfigureAsync(2, ("when_down", "fallback"));
        await Site.Sidecars.KillPodAsync(2);
        var bytes = Noise(3 * MiB);

        var id = await StagedAsync(2, "raw", bytes);

        // What plain Glance wrote is taken over when the sidecar is there to process it.
        await Site.RestoreSidecarsAsync();
        await ImportedAsync(2, id);
        await AssertBytesAsync(0, id, bytes);
    }

    [Test]
    public async Task SidecarDoesNotMove_CallersAreToldInTime()
    {
        var bytes = Noise(3 * MiB);
        var id = await StagedAsync(0, "raw", bytes);
        using var user = Site.At(0);
        var other = await user.CreateAsync("raw");
        var clock = Stopwatch.StartNew();

        Site.Sidecars[0].Signal("STOP");
        try
        {
            AssertUnavailable(await user.StageAsync(other, bytes));
            AssertUnavailable(await user.ImportAsync(id));
        }
        finally
        {
            Site.Sidecars[0].Signal("CONT");
        }

        Assert.That(clock.Elapsed, Is.LessThan(TimeSpan.FromSeconds(100)));
        await Site.Sidecars.AllReachableAsync();
        await ImportedAsync(0, id);
        await AssertBytesAsync(1, id, bytes);
        await EndedAsync(0, other, "queued");
    }

    [Test]
    public async Task SidecarStaysAway_InAConversion_TheImportFailsWithAReason()
    {
        var disk = Disk.Create(Site, 2 * MiB);
        var id = await StagedAsync(0, "qcow2", await disk.AsAsync("qcow2"));
        using var user = Site.At(0);
        Site.Tool.HoldNext();
        AssertStatus(await user.ImportAsync(id), HttpStatusCode.Accepted);
        await Site.Tool.HeldAsync();

        await Site.Sidecars.KillPodAsync(0);

        Assert.That(await FailureAsync(1, id), Does.Contain("sidecar"));
        await EndedAsync(1, id, "uploading");
        await Site.RestoreAsync();
        await AcceptedAsync(() => user.ImportAsync(id), HttpStatusCode.Accepted);
        await ActiveAsync(0, id);
        await AssertBytesAsync(1, id, disk.Raw);
    }

    // For a second a pod may still take its sidecar for dead; its answer says to try again.
    private static async Task AcceptedAsync(Func<Task<Answer>> ask, HttpStatusCode expected) => AssertStatus(
        await Until.RightAsync(ask, answer => answer.Status != HttpStatusCode.ServiceUnavailable), expected);

    private async Task KillPodAsync(int pod)
    {
        await Site[pod].KillAsync();
        await Site.Sidecars.KillPodAsync(pod);
    }

    private static void AssertUnavailable(Answer answer)
    {
        AssertStatus(answer, HttpStatusCode.ServiceUnavailable);
        Assert.That(answer.RetryAfter, Is.Not.Null, "Retry-After");
    }
}
