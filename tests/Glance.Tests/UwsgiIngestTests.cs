using System.Net;
using Glance.Tests.Harness.Api;
using Glance.Tests.Harness.Servers;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure.Network;

namespace Glance.Tests;

/// <summary>Uploads that come in through the sidecar, in front of a glance-api that uWSGI runs.</summary>
internal sealed class UwsgiIngestTests : IngestTest
{
    private static readonly Lazy<Task<Site>> Started = new(() => Site.StartAsync(SiteOptions.Chosen with { UnderUwsgi = true }));

    protected override Task<Site> SiteAsync() => Started.Value;

    [OneTimeTearDown]
    public static async Task StopAsync()
    {
        if (Started.IsValueCreated) await (await Started.Value).DisposeAsync();
    }

    [Test]
    public async Task EverythingElse_PassesThrough()
    {
        var bytes = Noise(3 * MiB);
        using var user = Site.Through(0);
        var id = await user.CreateAsync("raw");
        await user.UploadAsync(id, bytes);

        Assert.That(await user.ReadAsync(id), SameBytes.As(bytes));
        AssertStatus(await user.StageAsync(id, bytes), HttpStatusCode.Conflict);
        AssertStatus(await user.DeleteAsync(id), HttpStatusCode.NoContent);
    }

    [Test]
    public async Task Upload_ThatTakesLongerThanUwsgisSocketTimeout_IsStaged()
    {
        var bytes = Noise(2 * MiB);
        using var user = Site.Through(0);
        var id = await user.CreateAsync("raw");
        var patience = new TaskCompletionSource();
        using var content = new TricklingContent(bytes, bytes.Length / 2, patience.Task);
        var stage = user.StageAsync(id, content);
        await Site.ReceivedAsync(0, id, bytes.Length / 4);

        // Of a connection that is opened later and is silent, too, the timeout is over when this returns.
        using (var silent = await RawExchange.OpenAsync(Site[0].Address, Deadline))
        {
            await silent.SendAsync("GET / HTTP/1.1\r\n");
            await silent.HungUpAsync();
        }

        patience.SetResult();
        AssertStatus(await stage, HttpStatusCode.NoContent);
        await ImportedAsync(1, id);
        await AssertBytesAsync(2, id, bytes);
    }
}
