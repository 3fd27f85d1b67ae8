using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Testing;

/// <summary>The RADOS gateway of a cluster, an S3 server, with a user.</summary>
internal sealed class CephGateway : IAsyncDisposable
{
    public const string AccessKey = "GLANCEACCESSKEY00001";

    private const string Name = "rgw.a";

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private readonly CephProgram _daemon;

    private CephGateway(CephProgram daemon, int port, int tlsPort) =>
        (_daemon, Address, Tls) = (daemon, new IPEndPoint(IPAddress.Loopback, port), new Uri($"https://localhost:{Text(tlsPort)}"));

    /// <summary>Of this run alone.</summary>
    public static string SecretKey { get; } = "Secret" + Guid.NewGuid().ToString("N");

    public IPEndPoint Address { get; }

    public Uri Url => new($"http://{Address}");

    /// <summary>Where it speaks TLS, when it was given a certificate.</summary>
    public Uri Tls { get; }

    /// <param name="certificate">A file of a certificate for localhost, what has issued it, and its key; null: no TLS.</param>
    public static async Task<CephGateway> StartAsync(CephCluster cluster, string? certificate = null)
    {
        await CephProgram.RunAsync(
        [
            "radosgw-admin", "--conf", cluster.Configuration, "--id", Name, "user", "create", "--uid", "glance", "--display-name", "Glance",
            "--access-key", AccessKey, "--secret-key", SecretKey,
        ]);
        // So that zeros, of which a test has gigabytes, take no memory of the cluster's.
        await CephProgram.RunAsync(
        [
            "radosgw-admin", "--conf", cluster.Configuration, "--id", Name, "zone", "placement", "modify", "--rgw-zone", "default",
            "--placement-id", "default-placement", "--compression", "lz4",
        ]);
        var (port, tlsPort) = (FreePort(), FreePort());
        var frontend = $"beast endpoint=127.0.0.1:{Text(port)}";
        if (certificate is not null) frontend += $" ssl_endpoint=127.0.0.1:{Text(tlsPort)} ssl_certificate={certificate}";
        var daemon = CephProgram.Start(
        [
            "radosgw", "--conf", cluster.Configuration, "--id", Name, "--foreground",
            "--rgw-data", Path.GetDirectoryName(cluster.Configuration)!, "--rgw-frontends", frontend,
        ]);
        var gateway = new CephGateway(daemon, port, tlsPort);
        await gateway.AnswersAsync();
        return gateway;
    }

    /// <summary>Stops it, so that no request is answered, or lets it go on.</summary>
    public void Freeze(bool isFrozen = true) => Signals.Send(isFrozen ? "STOP" : "CONT", _daemon.Id);

    public ValueTask DisposeAsync() => _daemon.DisposeAsync();

    private async Task AnswersAsync()
    {
        using var deadline = new CancellationTokenSource(Limit);
        using var client = new HttpClient();
        while (true)
        {
            try
            {
                using var answer = await client.GetAsync(Url, deadline.Token);
                return;
            }
            catch (HttpRequestException)
            {
                await Task.Delay(Pause, deadline.Token); // not yet
            }
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
