using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.FunctionalTests.Ingest;

/// <summary>The one daemon, and the upstream behind it, that these tests share; started by the first of them.</summary>
[SetUpFixture]
internal sealed class IngestSuite
{
    public static RawUpstream Upstream { get; } = new();

    private static readonly TestDirectory Home = TestDirectory.Create();
    private static readonly Lazy<Task<SidecarInstance>> Started = new(() => StartAsync(Home, Upstream));

    public static Task<SidecarInstance> DaemonAsync() => Started.Value;

    public static Task<SidecarInstance> StartAsync(TestDirectory home, RawUpstream upstream, params string[] more) =>
        SidecarInstance.StartAsync(
            home.Path, ["--Ingest:Address", "127.0.0.1:0", "--Ingest:Upstream", upstream.Address.ToString(), .. more]);

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        if (Started is { IsValueCreated: true, Value.IsCompletedSuccessfully: true }) await (await Started.Value).DisposeAsync();
        await Upstream.DisposeAsync();
        Home.Dispose();
    }
}
