using System.Globalization;
using Glance.Sidecar.V1;
using Glance.Tests.Harness.Api;
using Google.Protobuf.WellKnownTypes;
using Sidecar.FunctionalTests.Infrastructure;

namespace Glance.Tests.Harness.Servers;

/// <summary>
/// A whole image service: a database, three pods of glance-api and sidecar with a staging directory each, two file
/// stores that the pods share, a load balancer and a web server to download from. Without sidecars it is Glance alone.
/// </summary>
internal sealed class Site : IAsyncDisposable
{
    public const int Pods = 3;
    public const string Fast = "fast";
    public const string Slow = "slow";

    /// <summary>The store in Ceph, where there is one.</summary>
    public const string Rbd = "rbd";

    /// <summary>The store in a bucket, where there is one.</summary>
    public const string S3 = "s3";

    private const int IngestPort = 9290;

    // Of Apache, for the sidecar alone.
    private const int BehindPort = 9293;

    /// <summary>Under Apache: the pod whose server ends what is silent for <see cref="Patience"/>.</summary>
    public const int ImpatientPod = Pods - 1;

    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(5); // less, and a busy machine would look silent

    /// <summary>Bytes of the last pod's volume.</summary>
    public const long SmallVolume = 768L << 20;

    /// <summary>A property that inject_image_metadata sets.</summary>
    public const string InjectedProperty = "processed_by";

    private readonly TestDirectory _directory = TestDirectory.Create();
    private readonly SiteOptions _options;
    private readonly List<GlanceApi> _apis = [];
    private readonly HashSet<int> _reconfigured = [];
    private string? _small;
    private DatabaseServer? _database;
    private LoadBalancer? _balancer;

    private Site(SiteOptions options)
    {
        _options = options;
        Sidecars = Cluster.Create(
            Pods, (cluster, pod) => ["--Peers:AllowPlaintext", "true", .. StaticPeers(cluster), .. Ingest(pod), .. options.Daemon],
            "--Import:Plugins:0", "image_decompression", "--Import:Plugins:1", "image_conversion",
            "--Import:Plugins:2", "inject_image_metadata", $"--Import:Metadata:Inject:{InjectedProperty}", "suite",
            "--Import:Decompression:RatioFloorBytes", "16777216", "--Import:Tools:QemuNbd", Path.Combine(Tools, "qemu-nbd"),
            "--Downloads:RetryDelay", "00:00:00.1000000",
            "--Import:Confinement", "off"); // the tool is held by files of the test
        Tool = new HeldTool(Directory.CreateDirectory(Tools).FullName);
    }

    private string Tools => _directory["tools"];

    public Cluster Sidecars { get; }

    /// <summary>The qemu-nbd of the sidecars, which can be held.</summary>
    public HeldTool Tool { get; }

    public WebServer Web { get; private set; } = null!;

    /// <summary>Null unless the site was asked for one.</summary>
    public CephCluster? Ceph { get; private set; }

    /// <summary>Null unless the site was asked for one.</summary>
    public CephGateway? Gateway { get; private set; }

    /// <summary>What is in the bucket.</summary>
    public S3Judge Bucket => new(Gateway!.Url, "glance");

    public LoadBalancer Balancer => _balancer!;

    public bool WithSidecar => _options.WithSidecar;

    public GlanceApi this[int pod] => _apis[pod];

    public static async Task<Site> StartAsync(SiteOptions options)
    {
        var site = new Site(options);
        try
        {
            await site.StartAllAsync();
            return site;
        }
        catch
        {
            await site.DisposeAsync();
            throw;
        }
    }

    /// <summary>A user at one pod.</summary>
    public ImageApi At(int pod, string token = ImageApi.Member) => new(_apis[pod].Address, token);

    /// <summary>A user whose requests come in through one pod's sidecar.</summary>
    public ImageApi Through(int pod, string token = ImageApi.Member) => new(Door(pod), token);

    /// <summary>Where one pod's sidecar takes requests of users, or Apache does on its behalf.</summary>
    public Uri Door(int pod) =>
        _options.UploadsByApache ? _apis[pod].Address : new UriBuilder("http", Sidecars.Address(pod), IngestPort).Uri;

    /// <summary>A user who goes through the load balancer.</summary>
    public ImageApi Anywhere(string token = ImageApi.Member) => new(Balancer.Address, token);

    public string Store(string name) => Path.Combine(_directory.Path, "stores", name);

    /// <summary>Nothing can be written to a store until this is disposed.</summary>
    public BrokenStore BreakStore(string name) => new(Store(name));

    public string Staging(int pod) => Sidecars.Staging(pod);

    /// <summary>The pod's volume, with the staging directory in it.</summary>
    public string Home(int pod) => Path.GetDirectoryName(Staging(pod))!;

    /// <summary>Waits until so many bytes of an image are on a pod's volume, wherever: they may be moved while they are counted.</summary>
    public Task ReceivedAsync(int pod, string id, long bytes) => Until.TrueAsync(() => Directory
        .EnumerateFiles(Staging(pod), "*", SearchOption.AllDirectories)
        .Any(file => file.Contains(id, StringComparison.Ordinal) && new FileInfo(file) is { Exists: true } now && now.Length >= bytes));

    /// <summary>Gives one pod's package other options, until <see cref="RestoreAsync"/>.</summary>
    public async Task ReconfigureAsync(int pod, params (string Option, string Value)[] options)
    {
        await _apis[pod].StopAsync();
        _reconfigured.Add(pod);
        Configure(pod, options).Write();
        await _apis[pod].StartAsync();
    }

    /// <summary>
    /// Takes the sidecar out of one pod as the chart's README says, until <see cref="RestoreAsync"/>: what is left is
    /// Glance with its own plugins, and its staging directory.
    /// </summary>
    public async Task RemoveSidecarAsync(int pod)
    {
        await _apis[pod].StopAsync();
        await Sidecars.StopPodAsync(pod);
        await Command.RunAsync(["rm", "-rf", Path.Combine(Staging(pod), ".sidecar"), Path.Combine(Staging(pod), ".glance")]);

        _reconfigured.Add(pod);
        Configure(pod, SiteOptions.GlanceAlone).Write();
        await _apis[pod].StartAsync();
    }

    /// <summary>Drains a pod's sidecar with no grace, as one that leaves; until <see cref="RestoreAsync"/>.</summary>
    public async Task DrainAsync(int pod)
    {
        using var call = Sidecars[pod].Peers.Drain(new DrainRequest { Grace = Duration.FromTimeSpan(TimeSpan.Zero) });
        while (await call.ResponseStream.MoveNext(CancellationToken.None))
        {
        }

        await Sidecars.StopPodAsync(pod);
    }

    /// <summary>A directory for files of a test.</summary>
    public string Scratch(string name) => Directory.CreateDirectory(Path.Combine(_directory.Path, "scratch", name)).FullName;

    /// <summary>Where Glance has certificates from, in place of a key manager.</summary>
    public string Certificates => Scratch("certificates");

    public Task<SidecarInstance> StartSidecarAsync(int pod) => Sidecars.StartPodAsync(pod);

    public Task<string> QueryAsync(string statement) => _database!.QueryAsync(statement);

    /// <summary>Starts again what a test has killed.</summary>
    public async Task RestoreAsync()
    {
        if (WithSidecar) await RestoreSidecarsAsync();
        foreach (var pod in _reconfigured)
        {
            await _apis[pod].StopAsync();
            Configure(pod).Write();
        }

        _reconfigured.Clear();
        foreach (var api in _apis.Where(api => !api.Runs)) await api.StartAsync();
    }

    public async Task RestoreSidecarsAsync()
    {
        for (var pod = 0; pod < Pods; pod++)
        {
            if (!Sidecars.Runs(pod)) await StartSidecarAsync(pod);
        }

        await Sidecars.AllReachableAsync();
    }

    public async ValueTask DisposeAsync()
    {
        KeepLogs();
        if (_balancer is not null) await _balancer.DisposeAsync();
        foreach (var api in _apis) await api.DisposeAsync();
        for (var pod = 0; pod < Pods; pod++)
        {
            if (Sidecars.Runs(pod)) await Sidecars.StopPodAsync(pod);
        }

        if (_small is not null) await Command.RunAsync(["umount", _small]);
        await Sidecars.DisposeAsync();
        if (_database is not null) await _database.DisposeAsync();
        if (Gateway is not null) await Gateway.DisposeAsync();
        if (Ceph is not null) await Ceph.DisposeAsync();
        if (Web is not null) await Web.DisposeAsync();
        _directory.Dispose();
    }

    // For a person who looks into a failure: set the variable to a directory.
    private void KeepLogs()
    {
        if (Environment.GetEnvironmentVariable("GLANCE_TESTS_LOGS") is not { Length: > 0 } directory) return;
        Directory.CreateDirectory(directory);
        for (var pod = 0; pod < _apis.Count; pod++)
        {
            File.WriteAllLines(Path.Combine(directory, Cluster.Name(pod) + "-api.log"), _apis[pod].Log);
        }

        if (_balancer is not null) File.WriteAllLines(Path.Combine(directory, "haproxy.log"), _balancer.Log);
        foreach (var sidecar in Sidecars.Running)
        {
            File.WriteAllLines(Path.Combine(directory, $"sidecar-{sidecar.ProcessId}.log"), sidecar.Log);
        }
    }

    private async Task StartAllAsync()
    {
        var small = Directory.CreateDirectory(Home(Pods - 1)).FullName;
        await Command.RunAsync(["mount", "-t", "tmpfs", "-o", $"size={SmallVolume}", "tmpfs", small]);
        _small = small;
        foreach (var store in (string[])[Fast, Slow]) Directory.CreateDirectory(Store(store));
        if (_options.UnderApache) OpenToGroup();
        Web = await WebServer.StartAsync();
        _database = await DatabaseServer.StartAsync(_directory["database"]);
        if (_options.WithCeph) Ceph = await CephCluster.StartAsync(_directory["ceph"]);
        if (_options.WithS3) Gateway = await CephGateway.StartAsync(Ceph!);
        var python = _options.WithSidecar ? await PluginPackage.InstallAsync(_directory["package"]) + ":" : "";
        await Command.RunAsync(["cp", "-r", PluginPackage.SuiteModules, _directory["modules"]]);
        for (var pod = 0; pod < Pods; pod++)
        {
            var config = Configure(pod);
            config.Write();
            _apis.Add(Api(pod, config.Directory, python + _directory["modules"]));
        }

        await CreateTablesAsync();
        if (_options.WithSidecar) await Task.WhenAll(Enumerable.Range(0, Pods).Select(StartSidecarAsync));
        await Task.WhenAll(_apis.Select(api => api.StartAsync()));
        _balancer = await LoadBalancer.StartAsync(_directory.Path, Sidecars.Address(Pods), _apis.Select(api => api.Address));
        if (_options.WithSidecar) await Sidecars.AllReachableAsync();
    }

    // glance-api runs as another user then, with whom the sidecars share their group, as in a pod with an fsGroup.
    private void OpenToGroup()
    {
        string[] directories =
        [
            _directory.Path, Path.GetDirectoryName(Home(0))!, Store(Fast), Store(Slow),
            .. Enumerable.Range(0, Pods).SelectMany(pod => (string[])[Home(pod), Staging(pod)]),
        ];
        foreach (var directory in directories)
        {
            Directory.CreateDirectory(directory);
            File.SetUnixFileMode(directory, (UnixFileMode)0b111_111_000);
        }
    }

    private GlanceApi Api(int pod, string configuration, string modules)
    {
        var address = ApiAddress(pod);
        (string, string)[] environment =
        [
            ("OS_GLANCE_CONFIG_DIR", configuration), ("PYTHONPATH", SiteOptions.Sources + modules),
            ("PATH", $"{Tools}:{Environment.GetEnvironmentVariable("PATH")}"),
        ];
        return new GlanceApi(address, NewServer(pod, address, environment));
    }

    private IApiServer NewServer(int pod, Uri address, (string, string)[] environment)
    {
        if (_options.UnderApache) return NewApache(pod, address, environment);
        return _options.UnderUwsgi
            ? new Uwsgi(address.Authority, _options.Threads, environment) : new Gunicorn(address.Authority, _options.Threads, environment);
    }

    private Apache NewApache(int pod, Uri address, (string, string)[] environment)
    {
        var directory = Path.Combine(Home(pod), "apache");
        return _options.UploadsByApache
            ? new Apache(directory, address.Authority, environment)
            {
                Ingest = new HttpdFiles(IngestSocket(pod), Authority(pod, BehindPort)),
                Timeout = pod == ImpatientPod ? Patience : TimeSpan.FromMinutes(1),
            }
            : new Apache(directory, address.Authority, environment);
    }

    private string[] Ingest(int pod) => _options.UploadsByApache
        ? ["--Ingest:Address", IngestSocket(pod), "--Ingest:Upstream", $"http://{Authority(pod, BehindPort)}"]
        : ["--Ingest:Address", Authority(pod, IngestPort), "--Ingest:Upstream", $"http://{Authority(pod, GlanceApi.Port)}"];

    private string IngestSocket(int pod) => Path.Combine(Home(pod), "ingest.sock");

    private string Authority(int pod, int port) => string.Create(CultureInfo.InvariantCulture, $"{Sidecars.Address(pod)}:{port}");

    private Uri ApiAddress(int pod) => new UriBuilder("http", Sidecars.Address(pod), GlanceApi.Port).Uri;

    private GlanceConfig Configure(int pod, params (string Option, string Value)[] options) =>
        Configure(pod, _options, options);

    private GlanceConfig Configure(int pod, SiteOptions site, params (string Option, string Value)[] options)
    {
        var home = Home(pod);
        var stores = new Dictionary<string, string> { [Fast] = Store(Fast), [Slow] = Store(Slow) };
        var other = ApiAddress((pod + 1) % Pods);
        var config = new GlanceConfig(home, Staging(pod), _database!.Connection, stores)
        {
            WithSidecar = site.WithSidecar, OtherRegion = other,
        };
        config.Set("import_filtering_opts", "allowed_hosts", $"[{Web.Address.Host},{other.Host}]");
        config.Set("import_filtering_opts", "allowed_ports", $"[{Web.Address.Port},{other.Port}]");
        if (Ceph is not null) config.AddDefault(Rbd, Ceph);
        if (Gateway is not null) config.Add(S3, Gateway, Bucket.Bucket);
        config.Set("image_import_opts", "image_import_plugins", site.Plugins);
        if (!site.WithSidecar) return config;
        config.Set("staging_sidecar", "address", "unix:" + Path.Combine(home, "sidecar.sock"));
        config.Set("staging_sidecar", "recovery_interval", "1");
        config.Set("staging_sidecar", "progress_interval", "1");
        config.Set("staging_sidecar", "wait", "20");
        config.Set("staging_sidecar", "space_wait", "10");
        config.Set("key_manager", "backend", "certificate_directory");
        config.Set("staging_sidecar", "certificates", Certificates);
        foreach (var (option, value) in site.Plugin) config.Set("staging_sidecar", option, value);
        foreach (var (option, value) in options) config.Set("staging_sidecar", option, value);
        return config;
    }

    private async Task CreateTablesAsync() => await Command.RunAsync(
        ["/usr/bin/glance-manage", "--config-file", Path.Combine(Home(0), "etc", "glance-api.conf"), "db_sync"],
        ("PYTHONPATH", SiteOptions.Sources));

    private static IEnumerable<string> StaticPeers(Cluster cluster) => Enumerable.Range(0, Pods).SelectMany(pod => (string[])
    [
        string.Create(CultureInfo.InvariantCulture, $"--Peers:Static:{pod}"),
        $"{Cluster.Name(pod)}={cluster.Address(pod)}:{Cluster.PeerPort}",
    ]);
}
