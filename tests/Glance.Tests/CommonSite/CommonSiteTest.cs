using Glance.Tests.Harness.Servers;

namespace Glance.Tests.CommonSite;

/// <summary>A test on the site that all fixtures of this folder use.</summary>
internal abstract class CommonSiteTest : GlanceTest
{
    protected override Task<Site> SiteAsync() => Suite.SiteAsync();
}
