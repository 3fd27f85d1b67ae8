using Glance.Tests.Harness;
using NUnit.Framework;

namespace Glance.Tests;

/// <summary>The one site that all tests use, started by the first of them.</summary>
[SetUpFixture]
internal sealed class Suite
{
    private static readonly Lazy<Task<Site>> Started = new(() => Site.StartAsync(Options));

    public static Task<Site> SiteAsync() => Started.Value;

    // Glance alone fails most tests: how it fails is what we compare with.
    private static SiteOptions Options =>
        Environment.GetEnvironmentVariable("GLANCE_TESTS_ALONE") == "1" ? SiteOptions.GlanceAlone : new SiteOptions();

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        if (Started is { IsValueCreated: true, Value.IsCompletedSuccessfully: true })
        {
            await (await Started.Value).DisposeAsync();
        }
    }
}
