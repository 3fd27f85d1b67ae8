using System.Net;
using System.Net.Sockets;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;
using Sidecar.Hosting.Listening;

namespace Sidecar.FunctionalTests.Interop;

/// <summary>The names that clients call the daemon by, which over a Unix socket is nothing that clients agree on.</summary>
internal sealed class AuthorityTests : SidecarTest
{
    private const int NoHostEvent = 5003;
    private const string Answered = "answered";

    // As real clients send them, and what no library sends but a server must bear.
    private static readonly string?[] Names =
    [
        "localhost", // grpc-go, grpc-js, grpcio before 1.57
        "run%2Fsidecar.sock", // grpcio since 1.57
        "/run/sidecar.sock", // some versions of grpcurl and grpc-java
        "unix:/run/sidecar.sock", "%00abstract", "", null, "localhost:80", "[::1]:80", "[::1", ":80", "a@b c", "\u00e9",
    ];

    [Test]
    public async Task Call_WithAnyAuthority_IsAnswered()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        var tcp = new Uri(sidecar.Addresses.First(address => address.StartsWith("http://127.", StringComparison.Ordinal)));
        EndPoint[] listeners = [new UnixDomainSocketEndPoint(sidecar.Socket), IPEndPoint.Parse(tcp.Authority)];
        using (Assert.EnterMultipleScope())
        {
            foreach (var listener in listeners)
            {
                foreach (var name in Names)
                    Assert.That(await RawCheck.AskAsync(listener, name, Deadline), Is.EqualTo(Answered), $"{name} at {listener}");
            }
        }
    }

    [Test]
    public async Task Call_WithAnAuthorityThatIsNoHost_IsLoggedOnce()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        var socket = new UnixDomainSocketEndPoint(sidecar.Socket);
        foreach (var name in (string[])["localhost", "run%2Fsidecar.sock", "/run/sidecar.sock"])
            await RawCheck.AskAsync(socket, name, Deadline);

        Assert.That(await sidecar.TerminateAsync(), Is.Zero); // so that all is logged
        var lines = sidecar.Log.Where(line => SidecarInstance.IsEvent(line, NoHostEvent));
        Assert.That(lines, Has.Exactly(1).Contains("run%2Fsidecar.sock").And.Contains(AuthorityEncoding.DocumentedIn));
        Assert.That(lines.Count(), Is.EqualTo(1));
    }

    [Test]
    public async Task Call_WithControlCharactersInItsAuthority_EndsItsConnection()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        var socket = new UnixDomainSocketEndPoint(sidecar.Socket);
        foreach (var name in (string[])["a\r\nb", "\0"])
            Assert.That(await RawCheck.AskAsync(socket, name, Deadline), Is.EqualTo("hung up"));
        Assert.That(await RawCheck.AskAsync(socket, "localhost", Deadline), Is.EqualTo(Answered));
    }
}
