using System.Diagnostics;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Glance.Sidecar.V1;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Net.Client;
using Grpc.Reflection.V1;
using NUnit.Framework;
using Sidecar.FunctionalTests.Importing;
using Sidecar.FunctionalTests.Infrastructure;
using Sidecar.FunctionalTests.Infrastructure.Network;

namespace Sidecar.FunctionalTests.Clusters;

/// <summary>The peer listener and the way to it: who has which certificate gets what.</summary>
internal sealed class PeerTrustTests : SidecarTest, IDisposable
{
    private const string Suffix = ".glance-staging.openstack.svc";
    private const string Spiffe = "spiffe://cluster.test/ns/openstack/sa/glance";

    private static readonly Func<TestAuthority, TestAuthority, X509Certificate2?>[] Strangers =
    [
        (_, _) => null,
        (_, foreign) => foreign.Issue("glance-1" + Suffix),
        (own, _) => own.Issue("glance-1.elsewhere.svc"),
        (own, _) => own.Issue("x" + Suffix + ".evil.test"),
        (own, _) => own.Issue(Suffix[1..]),
        (own, _) => own.Issue(DateTimeOffset.UtcNow.AddDays(-1), "glance-1" + Suffix),
    ];

    private readonly TestAuthority _authority = new();
    private readonly TestAuthority _foreign = new();
    private readonly TestDirectory _directory = TestDirectory.Create();

    public void Dispose()
    {
        _authority.Dispose();
        _foreign.Dispose();
        _directory.Dispose();
    }

    // A handshake that is refused after the client's part of it is over (TLS 1.3) fails the first call's read: the channel
    // takes that for INTERNAL, and a connection that it never had for UNAVAILABLE.
    private static bool IsNoAnswer(StatusCode status) => status is StatusCode.Unavailable or StatusCode.Internal;

    [Test]
    public async Task Pods_WithCertificatesOfTheService_ReachEachOther()
    {
        await using var cluster = Cluster.Create(2, (cluster, pod) =>
        [
            .. Secret($"secret-{pod}", pod == 0 ? _authority.Issue("glance-0" + Suffix) : _authority.Issue("*" + Suffix)).Settings,
            "--Peers:TrustedSuffix", Suffix, "--Peers:Static:0", $"glance-{1 - pod}={cluster.Address(1 - pod)}:{Cluster.PeerPort}",
        ]);
        await cluster.StartPodAsync(0);
        await cluster.StartPodAsync(1);
        await cluster.AllReachableAsync();
        using var http = new HttpClient();
        var metrics = await http.GetStringAsync(new Uri(cluster[0].Ops, "/metrics"), Deadline);
        Assert.That(metrics, Does.Contain("glance_staging_peer_up{peer=\"glance-1\"} 1")
            .And.Contain("\nglance_staging_peers{} 1").And.Match("\nglance_staging_peer_certificate_expiry_timestamp_seconds{} [0-9]"));
    }

    [Test]
    public async Task Listener_OfOneWithoutATrustedCertificate_AnswersNothing()
    {
        await using var sidecar = await StartAsync("--Peers:TrustedSuffix", Suffix);
        foreach (var stranger in Strangers)
        {
            using var certificate = stranger(_authority, _foreign);
            using var channel = Open(sidecar, certificate);
            var health = await Assert.ThrowsAsync<RpcException>(async () =>
                await new Health.HealthClient(channel).CheckAsync(new HealthCheckRequest(), cancellationToken: Deadline));
            Assert.That(IsNoAnswer(health!.StatusCode), $"{health.Status}, {certificate?.Subject}");
            using var reflection = new ServerReflection.ServerReflectionClient(channel)
                .ServerReflectionInfo(cancellationToken: Deadline);
            var described = await Assert.ThrowsAsync<RpcException>(async () => await reflection.ResponseStream.MoveNext(Deadline));
            Assert.That(IsNoAnswer(described!.StatusCode), described.Status.ToString());
        }

        Assert.That(sidecar.Log, Has.Some.Contain("shows no certificate"));
        using var trusted = _authority.Issue("glance-7" + Suffix);
        using var welcome = Open(sidecar, trusted);
        var answer = await new Health.HealthClient(welcome).CheckAsync(new HealthCheckRequest(), cancellationToken: Deadline);
        Assert.That(answer.Status, Is.EqualTo(HealthCheckResponse.Types.ServingStatus.Serving));
    }

    [Test]
    public async Task Listener_WithTrustedSpiffeIds_LooksAtNothingElse()
    {
        await using var sidecar = await StartAsync("--Peers:TrustedSpiffeIds:0", Spiffe);
        string[][] strangers = [["glance-1" + Suffix], [Spiffe + "-other"], [Spiffe + "/more"], [Spiffe, "spiffe://b.test/c"]];
        foreach (var names in strangers)
        {
            using var certificate = _authority.Issue(names);
            using var channel = Open(sidecar, certificate);
            await Assert.ThrowsAsync<RpcException>(
                async () => await new Health.HealthClient(channel).CheckAsync(new HealthCheckRequest(), cancellationToken: Deadline),
                string.Join(' ', names));
        }

        using var trusted = _authority.Issue(Spiffe, "any.name");
        using var welcome = Open(sidecar, trusted);
        await new Health.HealthClient(welcome).CheckAsync(new HealthCheckRequest(), cancellationToken: Deadline);
    }

    [Test]
    public async Task Grpcio_WithATrustedCertificateOnly_IsAnswered()
    {
        await using var sidecar = await StartAsync("--Peers:TrustedSuffix", Suffix);
        using var trusted = _authority.Issue("glance-7" + Suffix);
        using var stranger = _foreign.Issue("glance-7" + Suffix);
        Assert.That(await GrpcioAsync(sidecar, null, _authority), Is.EqualTo("UNAVAILABLE"));
        Assert.That(await GrpcioAsync(sidecar, stranger, _foreign), Is.EqualTo("UNAVAILABLE"));
        Assert.That(await GrpcioAsync(sidecar, trusted, _authority), Is.EqualTo("OK"));
    }

    [Test]
    public async Task ListPeers_OfPeersThatAreNotTrusted_SaysWhy()
    {
        using var elsewhere = _authority.Issue("x.y");
        using var expired = _authority.Issue(DateTimeOffset.UtcNow.AddDays(-1), "glance-2" + Suffix);
        using var foreign = _foreign.Issue("glance-3" + Suffix);
        using var fine = _authority.Issue("glance-5" + Suffix);
        await using var wrongName = new Impostor(_authority.Context(elsewhere));
        await using var late = new Impostor(_authority.Context(expired));
        await using var unknown = new Impostor(_foreign.Context(foreign));
        await using var plain = new Impostor(null);
        await using var hangsUp = new Impostor(_authority.Context(fine));
        Impostor[] fakes = [wrongName, late, unknown, plain, hangsUp];
        await using var sidecar = await StartAsync(
            [.. fakes.SelectMany((fake, index) => (string[])[$"--Peers:Static:{index + 1}", $"glance-{index + 1}={fake.Address}"]),
            "--Peers:TrustedSuffix", Suffix]);
        // Of a connection that is closed right after its handshake the HTTP client may know less than the stream under it;
        // then another attempt says why.
        const string HungUp = "does not trust this pod's certificate";
        var peers = await PeersAsync(sidecar, peers => peers.All(peer => peer.Failure.Length > 0)
            && peers[4].Failure.Contains(HungUp, StringComparison.Ordinal));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(peers[0].Failure, Does.Contain($"shows a certificate for x.y, not for *{Suffix}"));
            Assert.That(peers[1].Failure, Does.Contain($"shows a certificate for glance-2{Suffix} that is valid from"));
            Assert.That(peers[2].Failure, Does.Contain("comes from none of the trusted authorities, but from CN=Test intermediate"));
            Assert.That(peers[3].Failure, Does.Contain("the TLS handshake failed"));
            Assert.That(peers[4].Failure, Does.Contain(HungUp));
        }
    }

    [Test]
    public async Task Rotation_OfCertificateAndAuthority_BreaksNoCallAndIsTakenUp()
    {
        using var fine = _authority.Issue("glance-1" + Suffix);
        await using var fake = new Impostor(_authority.Context(fine));
        using var old = _authority.Issue("glance-0" + Suffix);
        using var renewed = _foreign.Issue("glance-0" + Suffix);
        var secret = Secret("secret", old);
        await using var sidecar = await SidecarInstance.StartAsync(
            _directory.Path,
            [.. Alone, "--Peers:Static:1", $"glance-1={fake.Address}", .. secret.Settings, "--Peers:TrustedSuffix", Suffix]);
        using var mine = _authority.Issue("glance-7" + Suffix);
        using var channel = Open(sidecar, mine);
        using var watch = new Health.HealthClient(channel).Watch(new HealthCheckRequest(), cancellationToken: Deadline);
        Assert.That(await watch.ResponseStream.MoveNext(Deadline), Is.True);

        secret.Publish(_foreign.ChainPem(renewed), TestAuthority.KeyPem(renewed), _foreign.RootPem + "\n" + _authority.RootPem);
        await UntilAsync(async () => await ServedAsync(sidecar, mine) == renewed.Thumbprint);
        await UntilAsync(() => Task.FromResult(fake.Shown.LastOrDefault() == renewed.Thumbprint));
        using var newcomer = _foreign.Issue("glance-8" + Suffix);
        Assert.That(await ServedAsync(sidecar, newcomer), Is.EqualTo(renewed.Thumbprint), "the new authority is trusted");

        // The key of another certificate, then the old authority gone.
        secret.Publish(_foreign.ChainPem(renewed), TestAuthority.KeyPem(old), _foreign.RootPem);
        await UntilAsync(() => Task.FromResult(sidecar.Log.Any(line => line.Contains("\"EventId\":4021", StringComparison.Ordinal))));
        Assert.That(await ServedAsync(sidecar, mine), Is.EqualTo(renewed.Thumbprint), "the broken set changes nothing");
        secret.Publish(_foreign.ChainPem(renewed), TestAuthority.KeyPem(renewed), _foreign.RootPem);
        await UntilAsync(async () => await ServedAsync(sidecar, mine) is null);

        // The connection of before is open, and its call goes on until the daemon stops.
        var next = watch.ResponseStream.MoveNext(Deadline);
        Assert.That(next.IsCompleted, Is.False);
        sidecar.Signal("TERM");
        var end = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            // It may be told first that the daemon does not serve any more.
            while (await next) next = watch.ResponseStream.MoveNext(Deadline);
        });
        Assert.That(end!.Status.Detail, Is.EqualTo("The server is stopping."));
        Assert.That(await sidecar.ExitAsync(), Is.Zero);
    }

    // The pod itself is the only member of the list.
    private static string[] Alone =>
    [
        "--Staging:PodName", "glance-0", "--Peers:Static:0", "glance-0=127.0.0.1:1", "--Peers:Address", "127.0.0.1:0",
        "--Peers:ProbeInterval", "00:00:00.200",
    ];

    private async Task<SidecarInstance> StartAsync(params string[] settings) => await SidecarInstance.StartAsync(
        _directory.Path, [.. Alone, .. Secret("secret", _authority.Issue("glance-0" + Suffix, Spiffe)).Settings, .. settings]);

    private SecretVolume Secret(string name, X509Certificate2 certificate)
    {
        var secret = new SecretVolume(_directory[name]);
        secret.Publish(_authority.ChainPem(certificate), TestAuthority.KeyPem(certificate), _authority.RootPem);
        return secret;
    }

    private static Uri Listener(SidecarInstance sidecar) =>
        new(sidecar.Addresses.Single(address => address.StartsWith("https:", StringComparison.Ordinal)));

    private GrpcChannel Open(SidecarInstance sidecar, X509Certificate2? certificate, Action<X509Certificate2>? served = null) =>
        GrpcChannel.ForAddress(Listener(sidecar), new GrpcChannelOptions
        {
            DisposeHttpClient = true,
            HttpHandler = new SocketsHttpHandler
            {
                SslOptions = new SslClientAuthenticationOptions
                {
                    ClientCertificateContext = certificate is null ? null : Issuer(certificate).Context(certificate),
                    RemoteCertificateValidationCallback = (_, server, _, _) =>
                    {
                        if (server is not X509Certificate2 shown) return false;
                        served?.Invoke(shown);
                        return true;
                    },
                },
            },
        });

    /// <summary>Thumbprint of the certificate that a new connection is served with; null when it is refused.</summary>
    private async Task<string?> ServedAsync(SidecarInstance sidecar, X509Certificate2 mine)
    {
        string? thumbprint = null;
        using var channel = Open(sidecar, mine, served => thumbprint = served.Thumbprint);
        try
        {
            await new Health.HealthClient(channel).CheckAsync(new HealthCheckRequest(), cancellationToken: Deadline);
            return thumbprint;
        }
        catch (RpcException refused) when (IsNoAnswer(refused.StatusCode))
        {
            return null;
        }
    }

    private TestAuthority Issuer(X509Certificate2 certificate) => _foreign.Issued(certificate) ? _foreign : _authority;

    private async Task<string> GrpcioAsync(SidecarInstance sidecar, X509Certificate2? certificate, TestAuthority issuer)
    {
        await File.WriteAllTextAsync(_directory["client-ca.pem"], _authority.RootPem, Deadline);
        var arguments = new List<string>
        {
            Path.Combine(AppContext.BaseDirectory, "foreign", "check_health.py"), Listener(sidecar).Authority, "glance-0" + Suffix,
            _directory["client-ca.pem"],
        };
        if (certificate is not null)
        {
            await File.WriteAllTextAsync(_directory["client.pem"], issuer.ChainPem(certificate), Deadline);
            await File.WriteAllTextAsync(_directory["client.key"], TestAuthority.KeyPem(certificate), Deadline);
            arguments.AddRange([_directory["client.pem"], _directory["client.key"]]);
        }

        using var process = Process.Start(new ProcessStartInfo("/usr/bin/python3", arguments) { RedirectStandardOutput = true })!;
        var output = await process.StandardOutput.ReadToEndAsync(Deadline);
        await process.WaitForExitAsync(Deadline);
        return output.Trim();
    }

    private static async Task<IList<Peer>> PeersAsync(SidecarInstance sidecar, Func<IList<Peer>, bool> condition)
    {
        IList<Peer> peers = [];
        await UntilAsync(async () => condition(
            peers = (await sidecar.Peers.ListPeersAsync(new ListPeersRequest(), cancellationToken: Deadline)).Peers));
        return peers;
    }

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        while (!await condition())
        {
            Deadline.ThrowIfCancellationRequested();
            await Cluster.BetweenLooks();
        }
    }
}
