using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Testing;

/// <summary>A Ceph cluster of one monitor and one OSD in memory, with a pool for images.</summary>
internal sealed class CephCluster : IAsyncDisposable
{
    public const string Pool = "images";

    /// <summary>Another one, which whoever wants it makes.</summary>
    public const string SecondPool = "second";

    private const string Filler = "filler";

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly string _directory;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private readonly List<CephProgram> _daemons = [];
    private int _bytesPerSecond;

    private CephCluster(string directory) => _directory = directory;

    /// <summary>What its clients need.</summary>
    public string Configuration => Path.Combine(_directory, "ceph.conf");

    /// <summary>The keys of all users.</summary>
    public string Keyring => Path.Combine(_directory, "keyring");

    public static async Task<CephCluster> StartAsync(string directory)
    {
        var cluster = new CephCluster(Directory.CreateDirectory(directory).FullName);
        try
        {
            await cluster.StartMonitorAsync();
            await cluster.StartOsdAsync();
            await cluster.CephAsync("osd", "pool", "create", Pool, "8");
            await cluster.RbdAsync("pool", "init");
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs the rbd program on the pool.</summary>
    public Task<string> RbdAsync(params string[] arguments) =>
        CephProgram.RunAsync(["rbd", "--conf", Configuration, "--pool", Pool, .. arguments]);

    /// <summary>Images of the pool that are opened from now on are written with at most so many bytes a second; 0: as fast as can be.</summary>
    public async Task LimitAsync(int bytesPerSecond)
    {
        if (bytesPerSecond == _bytesPerSecond) return;
        await CephProgram.RunAsync(
            "rbd", "--conf", Configuration, "config", "pool", "set", Pool, "rbd_qos_bps_limit",
            bytesPerSecond.ToString(CultureInfo.InvariantCulture));
        _bytesPerSecond = bytesPerSecond;
    }

    /// <summary>Makes the cluster full, by what it takes for full; returns when it knows.</summary>
    public async Task FillAsync(CancellationToken deadline)
    {
        await RbdAsync("create", "--size", "16M", Filler);
        await CephProgram.RunAsync(
            "rbd", "--conf", Configuration, "bench", "--io-type", "write", "--io-size", "1M", "--io-total", "16M", $"{Pool}/{Filler}");
        await SetFullAsync("0.001", isFull: true, deadline);
    }

    /// <summary>Undoes it.</summary>
    public async Task EmptyAsync(CancellationToken deadline)
    {
        await SetFullAsync("0.95", isFull: false, deadline);
        await RbdAsync("rm", "--no-progress", Filler);
    }

    private async Task SetFullAsync(string part, bool isFull, CancellationToken deadline)
    {
        foreach (var step in (string[])["nearfull", "backfillfull", "full"]) await CephAsync("osd", $"set-{step}-ratio", part);
        while ((await CephAsync("osd", "dump")).Contains("exists,full", StringComparison.Ordinal) != isFull)
        {
            await Task.Delay(Pause, deadline);
        }
    }

    /// <summary>The images in the pool.</summary>
    public async Task<string[]> ImagesAsync() =>
        (await RbdAsync("ls")).Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Stops the one that holds the data, so that no request is answered, or lets it go on.</summary>
    public void Freeze(bool isFrozen = true) => Signals.Send(isFrozen ? "STOP" : "CONT", _daemons[^1].Id);

    public async ValueTask DisposeAsync()
    {
        // The OSD first: without a monitor it does not end.
        foreach (var daemon in _daemons.AsEnumerable().Reverse()) await daemon.DisposeAsync();
    }

    private async Task StartMonitorAsync()
    {
        var fsid = Guid.NewGuid().ToString();
        var (first, second) = FreePorts();
        var address = string.Create(CultureInfo.InvariantCulture, $"[v2:127.0.0.1:{first},v1:127.0.0.1:{second}]");
        File.WriteAllText(Configuration, Settings(fsid, address));
        await CephKeyring.CreateAsync(Keyring);
        var map = Path.Combine(_directory, "monmap");
        await CephProgram.RunAsync(["monmaptool", "--create", "--fsid", fsid, "--addv", "a", address, map]);
        await CephProgram.RunAsync(["ceph-mon", "--conf", Configuration, "--id", "a", "--mkfs", "--monmap", map, "--keyring", Keyring]);
        _daemons.Add(CephProgram.Start(["ceph-mon", "--conf", Configuration, "--id", "a", "--foreground"]));
    }

    private async Task StartOsdAsync()
    {
        var uuid = Guid.NewGuid().ToString();
        await CephAsync("osd", "new", uuid);
        Directory.CreateDirectory(Path.Combine(_directory, "osd.0"));
        await CephProgram.RunAsync(["ceph-osd", "--conf", Configuration, "--id", "0", "--mkfs", "--osd-uuid", uuid]);
        _daemons.Add(CephProgram.Start(["ceph-osd", "--conf", Configuration, "--id", "0", "--foreground"]));
        using var deadline = new CancellationTokenSource(Limit);
        while (!(await CephAsync("osd", "stat")).Contains("1 up", StringComparison.Ordinal)) await Task.Delay(Pause, deadline.Token);
    }

    /// <summary>Runs the ceph program.</summary>
    public Task<string> CephAsync(params string[] arguments) =>
        CephProgram.RunAsync(["ceph", "--conf", Configuration, "--connect-timeout", "60", .. arguments]);

    private static (int First, int Second) FreePorts()
    {
        using var first = new TcpListener(IPAddress.Loopback, 0);
        using var second = new TcpListener(IPAddress.Loopback, 0);
        first.Start();
        second.Start();
        return (((IPEndPoint)first.LocalEndpoint).Port, ((IPEndPoint)second.LocalEndpoint).Port);
    }

    // One copy of everything, nothing on a disk, what was deleted soon gone, and the dead soon taken for dead.
    private string Settings(string fsid, string monitors) => $"""
        [global]
        fsid = {fsid}
        mon host = {monitors}
        auth cluster required = cephx
        auth service required = cephx
        auth client required = cephx
        osd pool default size = 1
        osd pool default min size = 1
        osd pool default pg num = 4
        osd pool default pg autoscale mode = off
        osd client watch timeout = 5
        osd crush chooseleaf type = 0
        mon data = {_directory}/mon.a
        mon data avail crit = 1
        osd data = {_directory}/osd.0
        osd objectstore = memstore
        memstore device bytes = 2147483648
        run dir = {_directory}
        admin socket = {_directory}/$name.$pid.asok
        pid file =
        log file =
        log to stderr = false
        mon cluster log file =
        crash dir = {_directory}
        keyring = {Keyring}
        rgw gc obj min wait = 1
        rgw gc processor period = 5
        rgw gc processor max time = 5

        """;
}
