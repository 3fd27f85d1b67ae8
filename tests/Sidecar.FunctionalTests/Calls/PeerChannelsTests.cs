using System.Net;
using System.Net.Sockets;
using Glance.Sidecar.V1;
using Grpc.Core;
using Microsoft.Extensions.Options;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;
using Sidecar.Peers.Core;
using Sidecar.Peers.Discovery;
using Sidecar.Peers.Membership;
using Sidecar.Peers.Trust;

namespace Sidecar.FunctionalTests.Calls;

/// <summary>The way to a peer that is away for a while.</summary>
internal sealed class PeerChannelsTests : SidecarTest
{
    [Test]
    public async Task Peer_ThatIsBack_IsReachedByTheNextCall_HoweverManyHaveFailed()
    {
        var address = FreeAddress();
        var peer = Client(address);
        for (var attempt = 0; attempt < 10; attempt++)
        {
            // A channel that waits between its attempts to connect would soon answer without trying.
            var away = await Assert.ThrowsAsync<RpcException>(async () => await AskAsync(peer));
            Assert.That(away!.StatusCode, Is.EqualTo(StatusCode.Unavailable));
        }

        await using var server = await ScriptedServer.StartAsync(address, _ => Task.FromResult(new Capacity { TotalBytes = 7 }));

        Assert.That((await AskAsync(peer)).TotalBytes, Is.EqualTo(7));
    }

    [Test]
    public async Task Stage_ToAPeerThatLeavesAsItBegins_BreaksInsteadOfLosingItsBeginning()
    {
        await using var server = new LeavingServer();
        using var stage = new StageStream(Client(server.Address), Deadline);
        var broken = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            await stage.HeaderAsync(NewId());
            await stage.ChunkAsync(new byte[1000]);
            await stage.FinishAsync(1000);
        });

        Assert.That(broken!.StatusCode, Is.EqualTo(StatusCode.Unavailable), broken.Status.Detail);
        Assert.That(server.Resent, Is.Empty, "what HttpClient sent again, without what was written before");
    }

    private static Glance.Sidecar.V1.Staging.StagingClient Client(IPEndPoint address)
    {
        var options = new PeersOptions { Address = "127.0.0.1:0", AllowPlaintext = true };
        var channels = new PeerChannels(Options.Create(options), new PeerDialer(null!, new TrustRules(options)));
        return new(channels.Open(new PeerAddress("glance-1", address.Address.ToString(), address.Port)));
    }

    private static async Task<Capacity> AskAsync(Glance.Sidecar.V1.Staging.StagingClient peer) =>
        await peer.GetCapacityAsync(new GetCapacityRequest(), cancellationToken: Deadline);

    // One that nobody listens at now.
    private static IPEndPoint FreeAddress()
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return (IPEndPoint)probe.LocalEndPoint!;
    }
}
