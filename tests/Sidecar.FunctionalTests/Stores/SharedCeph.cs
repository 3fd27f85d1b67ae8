using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.FunctionalTests.Stores;

/// <summary>
/// The one Ceph of all tests that write to it. The first of them starts it, so that the others need no Ceph. They are slowed down and
/// frozen together, so they run one after another; the tests of other folders run meanwhile.
/// </summary>
[SetUpFixture, SingleThreaded]
internal sealed class SharedCeph
{
    private static Started? _started;

    /// <summary>Where its files are, and those of the tests.</summary>
    public static TestDirectory Place => _started!.Place;

    public static CephCluster Cluster => _started!.Cluster;

    /// <summary>One call at a time.</summary>
    public static async Task StartAsync()
    {
        if (_started is not null) return;
        var place = TestDirectory.Create();
        _started = new Started(place, await CephCluster.StartAsync(place["ceph"]));
    }

    [OneTimeTearDown]
    public static async Task StopAsync()
    {
        if (_started is null) return;
        await Cluster.DisposeAsync();
        Place.Dispose();
    }

    private sealed record Started(TestDirectory Place, CephCluster Cluster);
}
