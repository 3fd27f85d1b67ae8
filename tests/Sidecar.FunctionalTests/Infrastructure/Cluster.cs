using System.Globalization;
using Glance.Sidecar.V1;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure.Network;

namespace Sidecar.FunctionalTests.Infrastructure;

/// <summary>
/// Several pods on this machine, each a daemon process with a staging directory of its own, peers of each other
/// without TLS. Every pod has a loopback address of its own, so that it can be stopped and come back under it.
/// </summary>
internal sealed class Cluster : IAsyncDisposable
{
    public const int PeerPort = 9394;

    private const string Domain = ".pods.test";

    private readonly string _network = string.Create(
        CultureInfo.InvariantCulture, $"127.{Random.Shared.Next(1, 255)}.{Random.Shared.Next(0, 255)}");

    private readonly TestDirectory _directory = TestDirectory.Create();
    private readonly SidecarInstance?[] _pods;
    private readonly string[] _settings;
    private readonly Func<Cluster, int, string[]> _membership;
    private readonly Dictionary<int, SecretVolume> _secrets = [];
    private PodNetwork? _links;

    private Cluster(int pods, Func<Cluster, int, string[]> membership, string[] settings)
    {
        _pods = new SidecarInstance?[pods];
        _membership = membership;
        _settings = settings;
    }

    /// <summary>A command that becomes the daemon, for pods that are started from now on.</summary>
    public string[] Launcher { get; set; } = [];

    /// <summary>Those that run.</summary>
    public IReadOnlyList<SidecarInstance> Running => [.. _pods.OfType<SidecarInstance>()];

    public bool Runs(int pod) => Find(pod) is not null;

    /// <summary>Null while it does not run.</summary>
    public SidecarInstance? Find(int pod) => _pods[pod];

    /// <summary>A pod that runs.</summary>
    public SidecarInstance this[int pod] => _pods[pod] ?? throw new InvalidOperationException($"{Name(pod)} is stopped.");

    public static string Name(int pod) => string.Create(CultureInfo.InvariantCulture, $"glance-{pod}");

    public string Address(int pod) => _links is not null ? PodNetwork.Address(pod) : string.Create(CultureInfo.InvariantCulture, $"{_network}.{pod + 1}");

    public string Staging(int pod) => Path.Combine(_directory[Name(pod)], "staging");

    /// <summary>Starts so many pods and waits until each can reach all others.</summary>
    public static Task<Cluster> StartAsync(int pods, params string[] settings) => StartAsync(pods, _ => [], settings);

    /// <summary>As above, with settings of its own for each pod.</summary>
    public static async Task<Cluster> StartAsync(int pods, Func<int, string[]> own, params string[] settings)
    {
        var cluster = new Cluster(
            pods, (cluster, _) => ["--Peers:AllowPlaintext", "true", .. cluster.Static()], settings);
        await cluster.StartAllAsync(own);
        return cluster;
    }

    /// <summary>As <see cref="StartAsync(int, string[])"/>, each pod in a network namespace of its own, with TLS.</summary>
    public static async Task<Cluster> StartInNetworkAsync(PodNetwork network, int pods, params string[] settings)
    {
        var cluster = CreateInNetwork(network, pods, (cluster, _) => cluster.Static(), settings);
        await cluster.StartAllAsync(_ => []);
        return cluster;
    }

    /// <summary>Starts nothing yet; <paramref name="peers"/> answers the settings by which a pod finds the others.</summary>
    public static Cluster CreateInNetwork(
        PodNetwork network, int pods, Func<Cluster, int, string[]> peers, params string[] settings)
    {
        using var authority = new TestAuthority();
        var cluster = new Cluster(
            pods, (cluster, pod) => [.. cluster.SecretOf(pod).Settings, "--Peers:TrustedSuffix", Domain, .. peers(cluster, pod)],
            settings) { _links = network };
        for (var pod = 0; pod < pods; pod++)
        {
            using var certificate = authority.Issue(Name(pod) + Domain);
            cluster.SecretOf(pod).Publish(
                authority.ChainPem(certificate), TestAuthority.KeyPem(certificate), authority.RootPem);
        }

        return cluster;
    }

    /// <summary>
    /// Starts nothing yet. <paramref name="membership"/> answers the settings by which a pod finds and trusts the others,
    /// instead of a static list without TLS.
    /// </summary>
    public static Cluster Create(int pods, Func<Cluster, int, string[]> membership, params string[] settings) =>
        new(pods, membership, settings);

    /// <summary>Starts a pod (again), on the volume that it had.</summary>
    public async Task<SidecarInstance> StartPodAsync(int pod, params string[] settings)
    {
        var home = _directory[Name(pod)];
        Directory.CreateDirectory(home);
        string[] own =
        [
            "--Staging:PodName", Name(pod), "--Peers:Address", $"{Address(pod)}:{PeerPort}",
            "--Peers:ProbeInterval", "00:00:00.500",
            "--Peers:LocateTimeout", "00:00:30", // the machine may be slow, and that must not look like silence
            .. _membership(this, pod), .. _settings, .. settings,
        ];
        return _pods[pod] = await SidecarInstance.StartUnderAsync(_links?.Launcher(pod) ?? Launcher, home, own);
    }

    public async Task KillPodAsync(int pod)
    {
        await this[pod].KillAsync();
        await ForgetAsync(pod);
    }

    public async Task StopPodAsync(int pod) => Assert.That(await TerminatePodAsync(pod), Is.Zero, "exit code");

    /// <returns>The exit code.</returns>
    public async Task<int> TerminatePodAsync(int pod)
    {
        var exitCode = await this[pod].TerminateAsync();
        await ForgetAsync(pod);
        return exitCode;
    }

    /// <summary>Waits until every running pod can reach every other running one.</summary>
    public async Task AllReachableAsync()
    {
        var running = _pods.OfType<SidecarInstance>().ToList();
        foreach (var pod in running)
        {
            while (Reachable(await pod.Peers.ListPeersAsync(new ListPeersRequest())) < running.Count - 1)
            {
                await BetweenLooks();
            }
        }
    }

    /// <summary>Waits until a pod has seen of another what the test waits for.</summary>
    public async Task UntilAsync(int pod, int other, Func<Peer, bool> condition)
    {
        while (true)
        {
            await BetweenLooks();
            var peers = await this[pod].Peers.ListPeersAsync(new ListPeersRequest());
            if (peers.Peers.Any(peer => peer.Name == Name(other) && condition(peer))) return;
        }
    }

    /// <summary>Files of a pod's staging directory that belong to an image, an upload or an import.</summary>
    public IEnumerable<string> Leftovers(int pod) => Directory
        .EnumerateFiles(Staging(pod), "*", SearchOption.AllDirectories)
        .Select(file => Path.GetRelativePath(Staging(pod), file))
        .Where(file => file is not (".sidecar/format" or ".sidecar/lock" or ".sidecar/peers.json")
            && !file.StartsWith(".sidecar/tombstones/", StringComparison.Ordinal));

    public async ValueTask DisposeAsync()
    {
        foreach (var pod in _pods.OfType<SidecarInstance>()) await pod.DisposeAsync();
        _directory.Dispose();
    }

    /// <summary>
    /// Between two looks at something that only shows by asking: asking without a pause would take the processors away
    /// from the daemons that are asked.
    /// </summary>
    public static Task BetweenLooks() =>
        Task.Delay(TimeSpan.FromMilliseconds(30), TestContext.CurrentContext.CancellationToken);

    private static int Reachable(ListPeersResponse peers) => peers.Peers.Count(peer => peer.Reachable);

    // The pod itself is in the list too, as it is among the records of a headless Service.
    public string[] Static() =>
    [
        .. Enumerable.Range(0, _pods.Length).SelectMany(pod => (string[])
            [string.Create(CultureInfo.InvariantCulture, $"--Peers:Static:{pod}"), $"{Name(pod)}={Address(pod)}:{PeerPort}"]),
    ];

    private SecretVolume SecretOf(int pod) => _secrets.TryGetValue(pod, out var secret)
        ? secret : _secrets[pod] = new SecretVolume(_directory[Name(pod) + "-tls"]);

    private async Task StartAllAsync(Func<int, string[]> own)
    {
        try
        {
            await Task.WhenAll(Enumerable.Range(0, _pods.Length).Select(pod => StartPodAsync(pod, own(pod))));
            await AllReachableAsync();
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    private async Task ForgetAsync(int pod)
    {
        await this[pod].DisposeAsync();
        _pods[pod] = null;
    }
}
