using System.Globalization;
using Glance.Sidecar.V1;
using NUnit.Framework;

namespace Sidecar.FunctionalTests;

/// <summary>
/// Several pods on this machine, each a daemon process with a staging directory of its own, peers of each other
/// without TLS. Every pod has a loopback address of its own, so that it can be stopped and come back under it.
/// </summary>
internal sealed class Cluster : IAsyncDisposable
{
    public const int PeerPort = 9394;

    private readonly string _network = string.Create(
        CultureInfo.InvariantCulture, $"127.{Random.Shared.Next(1, 255)}.{Random.Shared.Next(0, 255)}");

    private readonly TestDirectory _directory = TestDirectory.Create();
    private readonly SidecarInstance?[] _pods;
    private readonly string[] _settings;

    private Cluster(int pods, string[] settings)
    {
        _pods = new SidecarInstance?[pods];
        _settings = settings;
    }

    /// <summary>A pod that runs.</summary>
    public SidecarInstance this[int pod] => _pods[pod] ?? throw new InvalidOperationException($"{Name(pod)} is stopped.");

    public static string Name(int pod) => string.Create(CultureInfo.InvariantCulture, $"glance-{pod}");

    public string Address(int pod) => string.Create(CultureInfo.InvariantCulture, $"{_network}.{pod + 1}");

    public string Staging(int pod) => Path.Combine(_directory[Name(pod)], "staging");

    /// <summary>Starts so many pods and waits until each can reach all others.</summary>
    public static Task<Cluster> StartAsync(int pods, params string[] settings) => StartAsync(pods, _ => [], settings);

    /// <summary>As above, with settings of its own for each pod.</summary>
    public static async Task<Cluster> StartAsync(int pods, Func<int, string[]> own, params string[] settings)
    {
        var cluster = new Cluster(pods, settings);
        try
        {
            await Task.WhenAll(Enumerable.Range(0, pods).Select(pod => cluster.StartPodAsync(pod, own(pod))));
            await cluster.AllReachableAsync();
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts a pod (again), on the volume that it had.</summary>
    public async Task<SidecarInstance> StartPodAsync(int pod, params string[] settings)
    {
        var home = _directory[Name(pod)];
        Directory.CreateDirectory(home);
        string[] own =
        [
            "--Staging:PodName", Name(pod), "--Peers:Address", $"{Address(pod)}:{PeerPort}",
            "--Peers:AllowPlaintext", "true", "--Peers:ProbeInterval", "00:00:00.500", .. Static(), .. _settings, .. settings,
        ];
        return _pods[pod] = await SidecarInstance.StartAsync(home, own);
    }

    public async Task KillPodAsync(int pod)
    {
        await this[pod].KillAsync();
        await ForgetAsync(pod);
    }

    public async Task StopPodAsync(int pod)
    {
        Assert.That(await this[pod].TerminateAsync(), Is.Zero, "exit code");
        await ForgetAsync(pod);
    }

    /// <summary>Waits until every running pod can reach every other running one.</summary>
    public async Task AllReachableAsync()
    {
        var running = _pods.OfType<SidecarInstance>().ToList();
        foreach (var pod in running)
        {
            while (Reachable(await pod.Peers.ListPeersAsync(new ListPeersRequest())) < running.Count - 1)
            {
                TestContext.CurrentContext.CancellationToken.ThrowIfCancellationRequested();
                await Task.Yield();
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var pod in _pods.OfType<SidecarInstance>()) await pod.DisposeAsync();
        _directory.Dispose();
    }

    private static int Reachable(ListPeersResponse peers) => peers.Peers.Count(peer => peer.Reachable);

    // The pod itself is in the list too, as it is among the records of a headless Service.
    private IEnumerable<string> Static() => Enumerable.Range(0, _pods.Length).SelectMany(pod => (string[])
        [string.Create(CultureInfo.InvariantCulture, $"--Peers:Static:{pod}"), $"{Name(pod)}={Address(pod)}:{PeerPort}"]);

    private async Task ForgetAsync(int pod)
    {
        await this[pod].DisposeAsync();
        _pods[pod] = null;
    }
}
