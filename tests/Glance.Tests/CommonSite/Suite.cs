using Glance.Tests.Harness.Servers;
using NUnit.Framework;

namespace Glance.Tests.CommonSite;

/// <summary>
/// The one site that the tests of this folder use, started by the first of them. Some kill a part of it, so they run one after
/// another; fixtures with a site of their own run meanwhile.
/// </summary>
[SetUpFixture, Parallelizable(ParallelScope.Self), SingleThreaded]
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
