using Glance.Tests.Harness.Servers;
using NUnit.Framework;

namespace Glance.Tests;

/// <summary>The one site that all tests use, started by the first of them.</summary>
[SetUpFixture]
internal sealed class Suite
{
    private static readonly Lazy<Task<Site>> Started = new(() => Site.StartAsync(SiteOptions.Chosen));

    public static Task<Site> SiteAsync() => Started.Value;

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        if (Started is { IsValueCreated: true, Value.IsCompletedSuccessfully: true })
        {
            await (await Started.Value).DisposeAsync();
        }
    }
}
