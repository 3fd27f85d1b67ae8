using System.Net;
using Glance.Tests.Harness;
using Glance.Tests.Harness.Api;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;

namespace Glance.Tests;

/// <summary>Uploads that the sidecar takes in place of Glance, whatever runs Glance and hands them over.</summary>
internal abstract class IngestTest : GlanceTest
{
    protected const int MiB = 1 << 20;

    /// <summary>The pod that reads what was staged through the first one and imported through the second.</summary>
    protected virtual int Reader => 2;

    [TestCase(true)]
    [TestCase(false)]
    public async Task Upload_IsStagedPastPython_AndImported(bool isDeclared)
    {
        var disk = Disk.Create(Site, 4 * MiB);
        var bytes = await disk.AsAsync("qcow2");
        using var user = Site.Through(0);
        var id = await user.CreateAsync("qcow2");
        var before = await CountAsync("staged");

        var answer = isDeclared ? await user.StageAsync(id, bytes) : await user.StageAsync(id, new UndeclaredContent(bytes));

        AssertStatus(answer, HttpStatusCode.NoContent);
        await CountedAsync("staged", before + 1);
        Assert.That(await CountAsync("staged"), Is.EqualTo(before + 1));
        await ImportedAsync(1, id);
        await AssertBytesAsync(Reader, id, disk.Raw);
    }

    [Test]
    public async Task Client_ThatHangsUp_LeavesAQueuedImage()
    {
        var bytes = Noise(16 * MiB);
        using var user = Site.Through(0);
        var id = await user.CreateAsync("raw");
        using var content = new StalledContent(bytes, bytes.Length / 2);
        using var hangUp = new CancellationTokenSource();
        var stage = user.StageAsync(id, content, hangUp.Token);
        await Site.ReceivedAsync(0, id, bytes.Length / 4);

        await hangUp.CancelAsync();

        await Assert.ThatAsync(async () => await stage, Throws.InstanceOf<OperationCanceledException>());
        await EndedAsync(1, id, "queued");
        await AssertCanBeStagedAsync(id);
    }

    protected async Task AssertCanBeStagedAsync(string id)
    {
        using var user = Site.Through(0);
        AssertStatus(await user.StageAsync(id, Noise(MiB, 3)), HttpStatusCode.NoContent);
        await ImportedAsync(1, id);
        await AssertBytesAsync(Reader, id, Noise(MiB, 3));
    }

    protected Task<double> CountAsync(string outcome) =>
        MetricsPage.ReadAsync(Site.Sidecars[0], $"glance_staging_ingest_requests_total{{outcome=\"{outcome}\"}}", Deadline);

    // An answer may be there before it is counted.
    protected async Task CountedAsync(string outcome, double expected) =>
        await Until.RightAsync(() => CountAsync(outcome), count => count >= expected);
}
