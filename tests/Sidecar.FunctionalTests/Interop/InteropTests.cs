using System.Text.Json;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;
using Sidecar.FunctionalTests.Infrastructure.Network;

namespace Sidecar.FunctionalTests.Interop;

/// <summary>Every kind of call as the client libraries of others make it, over every way to the daemon.</summary>
[CancelAfter(300_000)] // the first run compiles the C++ client
internal sealed class InteropTests : SidecarTest, IDisposable
{
    private const string Suffix = ".glance-staging.openstack.svc";
    private const string ServerName = "glance-0" + Suffix;

    private static readonly string[] Cases =
    [
        "unary", "client_streaming", "early_refusal", "server_streaming", "deadline", "deadline_at_server", "cancellation",
        "compression", "metadata", "health_check_and_watch", "health_list", "reflection_v1", "reflection_v1alpha", "reserve",
    ];

    // What each client compresses: the chunks of one upload, and one request.
    private const int CompressedMessages = 50;

    private readonly TestDirectory _directory = TestDirectory.Create();
    private readonly TestAuthority _authority = new();
    private readonly string _trace = Guid.NewGuid().ToString("N");

    public void Dispose()
    {
        _authority.Dispose();
        _directory.Dispose();
    }

    [Test]
    public async Task Calls_OfAForeignClient_AreAnswered([Values] ForeignClient client, [Values] Way way)
    {
        await using var sidecar = await StartAsync();
        var results = await RunAsync(client, way, sidecar);

        using (Assert.EnterMultipleScope())
        {
            // With TLS the name that a client calls the server by is the certificate's.
            Assert.That(results.Keys, Is.EquivalentTo(way == Way.PeerTls ? Cases : [.. Cases, "authority"]));
            foreach (var (name, result) in results)
            {
                Assert.That(result.GetProperty("ok").GetBoolean(), Is.True, $"{name}: {result.GetProperty("detail")}");
            }

            await AssertSeenAsync(sidecar);
        }
    }

    // What a client cannot tell: whether the server saw the call as it was meant.
    private async Task AssertSeenAsync(SidecarInstance sidecar)
    {
        Assert.That(await sidecar.TerminateAsync(), Is.Zero); // so that all is logged
        Assert.That(sidecar.Log, Has.Some.Contains("/grpc.health.v1.Health/Watch was refused with DeadlineExceeded"));
        Assert.That(
            sidecar.Log,
            Has.Some.Contains("GetImage was refused with InvalidArgument").And.Contains($"\"TraceId\":\"{_trace}\""),
            "the trace of the client's metadata");
        Assert.That(
            sidecar.Log.Count(line => line.Contains("Decompressing message", StringComparison.Ordinal)),
            Is.AtLeast(CompressedMessages));
    }

    private Task<SidecarInstance> StartAsync()
    {
        var secret = new SecretVolume(_directory["secret"]);
        using var certificate = _authority.Issue(ServerName);
        secret.Publish(_authority.ChainPem(certificate), TestAuthority.KeyPem(certificate), _authority.RootPem);
        return SidecarInstance.StartAsync(
            _directory.Path,
            [
                "--Staging:PodName", "glance-0", "--Peers:Static:0", "glance-0=127.0.0.1:1", "--Peers:Address", "127.0.0.1:0",
                "--Peers:TrustedSuffix", Suffix, .. secret.Settings, "--Logging:LogLevel:Grpc.AspNetCore.Server", "Trace",
            ]);
    }

    private async Task<Dictionary<string, JsonElement>> RunAsync(ForeignClient client, Way way, SidecarInstance sidecar)
    {
        string[] command =
        [
            .. await ForeignBuild.InteropCommandAsync(client), Target(way, sidecar), $"00-{_trace}-00f067aa0ba902b7-01",
            .. way == Way.PeerTls ? await IdentityAsync() : [],
        ];
        var output = await ForeignProgram.RunAsync(command[0], command[1..]);
        return output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonDocument.Parse(line).RootElement)
            .ToDictionary(line => line.GetProperty("case").GetString()!);
    }

    private static string Target(Way way, SidecarInstance sidecar) => way switch
    {
        Way.Socket => "unix:" + sidecar.Socket,
        Way.Tcp => new Uri(sidecar.Addresses.First(address => address.StartsWith("http://127.", StringComparison.Ordinal))).Authority,
        Way.PeerTls => new Uri(sidecar.Addresses.Single(address => address.StartsWith("https:", StringComparison.Ordinal))).Authority,
        _ => throw new ArgumentOutOfRangeException(nameof(way)),
    };

    // Authorities, certificate, key, and the name of the server.
    private async Task<string[]> IdentityAsync()
    {
        using var certificate = _authority.Issue("glance-7" + Suffix);
        await File.WriteAllTextAsync(_directory["ca.pem"], _authority.RootPem, Deadline);
        await File.WriteAllTextAsync(_directory["client.pem"], _authority.ChainPem(certificate), Deadline);
        await File.WriteAllTextAsync(_directory["client.key"], TestAuthority.KeyPem(certificate), Deadline);
        return [_directory["ca.pem"], _directory["client.pem"], _directory["client.key"], ServerName];
    }
}
