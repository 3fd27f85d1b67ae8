using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Glance.Sidecar.V1;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;
using Sidecar.FunctionalTests.Infrastructure.Network;

namespace Sidecar.FunctionalTests.Downloads;

/// <summary>
/// Names whose addresses a stranger chooses, and changes: the daemon asks a DNS server of the test, by the resolver of the system. The
/// server of the files is reached by an address of this machine, which is allowed, and by loopback, which is not.
/// </summary>
internal sealed class RebindingTests : DownloadTest, IAsyncDisposable
{
    private const string Host = "images.example.test";
    private const string Loopback = "127.0.0.1";
    private const ulong FirstBlock = 256 << 10;

    private static readonly string? Allowed = NetworkInterface.GetAllNetworkInterfaces()
        .Where(card => card.OperationalStatus == OperationalStatus.Up)
        .SelectMany(card => card.GetIPProperties().UnicastAddresses.Select(unicast => unicast.Address))
        .FirstOrDefault(address => address.AddressFamily == AddressFamily.InterNetwork && !IPAddress.IsLoopback(address))?.ToString();

    private readonly TestDirectory _directory = TestDirectory.Create();
    private readonly ConcurrentQueue<string> _reached = new();
    private readonly DnsServer _dns = new(IPEndPoint.Parse(string.Create(
        CultureInfo.InvariantCulture, $"127.{Random.Shared.Next(1, 255)}.{Random.Shared.Next(0, 255)}.53:53")));

    [SetUp]
    public void NeedAnAddress()
    {
        if (Allowed is null) Assert.Ignore("This machine has no address but loopback.");
    }

    public async ValueTask DisposeAsync()
    {
        await _dns.DisposeAsync();
        _directory.Dispose();
    }

    [Test]
    public async Task Name_ThatLeadsElsewhereAfterItWasJudged_GainsNothing()
    {
        var id = NewId();
        await using var sidecar = await StartAsync();
        await using var server = await ServeAsync((self, call, content) => self.Ranges.Count > 1
            ? FileServer.SendPartAsync(call, content, Tag)
            : FileServer.SendPartAsync(call, content, Tag, MiB, () => ReceivedAsync(sidecar, id, FirstBlock)));
        _dns.Set(DnsRecord.Address(Host, Allowed!));
        _dns.SetNext(DnsRecord.Address(Host, Loopback));

        // Its first connection goes where the name led when it was judged. It breaks, and where the name leads now is judged again.
        var facts = await AssertFailsAsync(sidecar, Request(id, server), StatusCode.PermissionDenied, "URL_FORBIDDEN");

        Assert.That(facts["host"], Is.EqualTo(Host));
        Assert.That(_reached, Is.EqualTo((string[])[Allowed!]));
    }

    [Test]
    public async Task Name_WithSeveralAddresses_IsReachedByThoseThatAreAllowed()
    {
        var id = NewId();
        await using var sidecar = await StartAsync();
        await using var server = await ServeAsync((_, call, content) => FileServer.SendAsync(call, content));
        _dns.Set(DnsRecord.Address(Host, Loopback), DnsRecord.Address(Host, Allowed!), DnsRecord.Address(Host, "169.254.169.254"));

        await DownloadAsync(sidecar, Request(id, server));

        Assert.That(_reached, Is.EqualTo((string[])[Allowed!]));
    }

    // In a mount namespace of its own, whose resolver asks the test.
    private async Task<SidecarInstance> StartAsync()
    {
        await File.WriteAllTextAsync(_directory["resolv.conf"], $"nameserver {IPEndPoint.Parse(_dns.Address).Address}\n", Deadline);
        return await SidecarInstance.StartUnderAsync(
            ["unshare", "--mount", "sh", "-c", "mount --bind \"$0\" /etc/resolv.conf && exec \"$@\"", _directory["resolv.conf"]],
            _directory.Path, Settings);
    }

    private Task<FileServer> ServeAsync(Func<FileServer, HttpContext, byte[], Task> answer)
    {
        var content = Content(MiB + (MiB / 2));
        return FileServer.StartAsync(
            (self, call) =>
            {
                _reached.Enqueue(call.Connection.LocalIpAddress!.MapToIPv4().ToString());
                return answer(self, call, content);
            },
            address: "0.0.0.0");
    }

    // Without a list of hosts: one that is named there is reached wherever it is.
    private static DownloadImageRequest Request(string id, FileServer server) =>
        new() { ImageId = id, Url = $"http://{Host}:{server.Port}/image" };
}
