using System.Net;
using Glance.Tests.Harness;
using NUnit.Framework;

namespace Glance.Tests;

/// <summary>Glance alone, which the others are compared with: the set-up itself works.</summary>
[Explicit("the suite's set-up without the product")]
internal sealed class AloneTests
{
    [Test]
    public async Task StageAndImport_OnOnePod_GoActive()
    {
        await using var site = await Site.StartAsync(SiteOptions.GlanceAlone);
        using var user = site.At(0);
        var id = await user.CreateAsync("raw");
        var bytes = new byte[3_000_000];
        new Random(1).NextBytes(bytes);

        Assert.That((await user.StageAsync(id, bytes)).Status, Is.EqualTo(HttpStatusCode.NoContent));
        Assert.That((await user.ImportAsync(id)).Status, Is.EqualTo(HttpStatusCode.Accepted));
        await user.UntilAsync(id, image => image.Status == "active");

        using var other = site.Anywhere();
        Assert.That(await other.ReadAsync(id), Is.EqualTo(bytes));
        var second = await other.CreateAsync("raw");
        await other.DownloadFromAsync(second, site.Web.Publish("disk.raw", bytes));
        await other.UntilAsync(second, image => image.Status == "active");
    }
}
