using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;
using Sidecar.Hosting.Configuration;
using Sidecar.Ingest.Core;
using Sidecar.Ingest.Tls;
using Sidecar.Peers.Core;
using Sidecar.Peers.Trust;

namespace Sidecar.Hosting.Listening;

/// <summary>Kestrel's end points and HTTP/2 limits.</summary>
internal sealed class Listeners(
    IOptions<HostingOptions> hosting, IOptions<PeersOptions> peering, PeerGate gate, IOptions<IngestOptions> ingest,
    IngestCertificate certificate, DescriptorBudget budget, HostingMetrics metrics, ILogger<Listeners> logger)
{
    /// <summary>Calls that one connection may have open at once.</summary>
    public const int StreamsPerConnection = 100;

    // A sender may be this far ahead of the disk. One upload needs a few megabytes to keep the pipeline full; more
    // only costs memory, and sixteen uploads may each fill their window.
    private const int StreamWindowBytes = 2 << 20;

    // Uploads that share a connection share this; a slow one must not take all of it.
    private const int ConnectionWindowBytes = 8 << 20;

    // Large frames mean fewer reads per megabyte. C++ clients fill them, SocketsHttpHandler sends 16 KiB ones. But Kestrel keeps as
    // many bytes for the headers that it sends on each connection whose client allows them, as every client made of gRPC's C core
    // does; frames of a megabyte made no upload faster.
    private const int FrameBytes = LargeBlockPool.BlockBytes;

    // What a socket may be ahead of whoever reads it, beside what the windows allow: as much as one read brings. More made no upload
    // faster, and many at once took it all.
    private const int ReadAheadBytes = LargeBlockPool.BlockBytes;

    public void Configure(KestrelServerOptions kestrel)
    {
        var (options, peers) = (hosting.Value, peering.Value);
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxConcurrentConnections = null; // each listener has a limit of its own
        kestrel.Limits.Http2.MaxStreamsPerConnection = StreamsPerConnection;
        kestrel.Limits.Http2.InitialStreamWindowSize = StreamWindowBytes;
        kestrel.Limits.Http2.InitialConnectionWindowSize = ConnectionWindowBytes;
        kestrel.Limits.Http2.MaxFrameSize = FrameBytes;
        kestrel.Limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(30);
        kestrel.Limits.Http2.KeepAlivePingTimeout = TimeSpan.FromSeconds(20);

        var socket = SocketPath(options);
        PrepareSocket(socket);
        kestrel.ListenUnixSocket(socket, listener => Mark(listener, HttpProtocols.Http2, ListenerRole.Local));
        Listen(kestrel, options.LocalAddress, HttpProtocols.Http2, ListenerRole.Local);
        if (peers.Enabled) ListenForPeers(kestrel, peers);
        if (ingest.Value.Enabled) ListenForUsers(kestrel, ingest.Value);
        Listen(kestrel, options.HealthAddress, HttpProtocols.Http2, ListenerRole.Health);
        Listen(kestrel, options.OpsAddress, HttpProtocols.Http1, ListenerRole.Ops);
    }

    /// <summary>
    /// Saves a hop between threads for every read of a socket: HTTP/2 frames are taken apart on the pool thread that
    /// the data arrived on. Handlers still run on threads of their own, so one that blocks on the disk blocks no
    /// connection.
    /// </summary>
    public static void ConfigureTransport(SocketTransportOptions transport)
    {
        transport.UnsafePreferInlineScheduling = true;
        transport.MaxReadBufferSize = ReadAheadBytes;
    }

    public static string SocketPath(HostingOptions options) =>
        options.SocketPath.Length > 0 ? options.SocketPath : SocketLocation.Default;

    /// <summary>glance-api runs under another user of the same group.</summary>
    public static void ShareSocket(string path) => File.SetUnixFileMode(
        path,
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite);

    private void Listen(KestrelServerOptions kestrel, string address, HttpProtocols protocols, ListenerRole role)
    {
        if (address.Length == 0) return;
        kestrel.Listen(Parse(address), listener => Mark(listener, protocols, role));
    }

    private void ListenForPeers(KestrelServerOptions kestrel, PeersOptions peers) =>
        kestrel.Listen(Parse(peers.Address), listener =>
        {
            Mark(listener, HttpProtocols.Http2, ListenerRole.Peer);
            gate.Guard(listener);
        });

    // Without TLS there is nothing to tell HTTP/2 by, and what a proxy in front speaks is HTTP/1.1.
    private void ListenForUsers(KestrelServerOptions kestrel, IngestOptions options)
    {
        if (options.OnSocket)
        {
            PrepareSocket(options.Address);
            kestrel.ListenUnixSocket(options.Address, Configure);
        }
        else
        {
            kestrel.Listen(Parse(options.Address), Configure);
        }

        void Configure(ListenOptions listener)
        {
            Mark(listener, options.Encrypted ? HttpProtocols.Http1AndHttp2 : HttpProtocols.Http1, ListenerRole.Ingest);
            if (options.Encrypted) listener.UseHttps(new TlsHandshakeCallbackOptions { OnConnection = _ => new(ShowCertificate()) });
        }
    }

    private SslServerAuthenticationOptions ShowCertificate() => new()
    {
        ServerCertificateContext = certificate.Current,
        EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
        ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
    };

    // Kestrel lets the IPv6 wildcard take IPv4 as well; a cluster may have either.
    private static IPEndPoint Parse(string address) => IPEndPoint.TryParse(
        address.Replace("*", Socket.OSSupportsIPv6 ? "[::]" : "0.0.0.0", StringComparison.Ordinal), out var endPoint)
            ? endPoint
            : throw new ConfigurationException(
                $"'{address}' is not an address and port; allowed: for example 127.0.0.1:9393, port 0 to 65535.");

    private void Mark(ListenOptions listener, HttpProtocols protocols, ListenerRole role)
    {
        listener.Protocols = protocols;
        var mark = new ListenerMark(role);
        var limit = NewLimit(role);
        // First of all, also of a handshake: what is closed here must have cost nothing.
        listener.Use(next => async connection =>
        {
            try
            {
                await limit.RunAsync(connection, next);
            }
            finally
            {
                budget.GiveBack();
            }
        });
        listener.Use(next => connection =>
        {
            connection.Features.Set(mark);
            if (role == ListenerRole.Health) UnfinishedLimit.Apply(connection);
            return next(connection);
        });
    }

    private ConnectionLimit NewLimit(ListenerRole role)
    {
        var options = hosting.Value;
        var (most, whenFull) = role switch
        {
            ListenerRole.Local => (options.MaxLocalConnections, WhenFull.RefuseNew),
            ListenerRole.Peer => (options.MaxPeerConnections, WhenFull.RefuseNew),
            ListenerRole.Ops => (options.MaxOpsConnections, WhenFull.CloseOldest),
            ListenerRole.Health => (options.MaxHealthConnections, WhenFull.CloseOldest),
            ListenerRole.Ingest => (ingest.Value.MaxConnections, WhenFull.RefuseNew),
        };
        // One for each address: the socket, which has permissions, must not be shut by whoever reaches the port.
        return new ConnectionLimit(role, most, whenFull, metrics, logger);
    }

    // A killed daemon leaves its socket file behind, and bind refuses an existing one. It is only removed when
    // nobody answers there.
    private static void PrepareSocket(string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        if (!File.Exists(path)) return;
        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException)
        {
            File.Delete(path);
            return;
        }

        throw new ConfigurationException(
            $"The Unix socket {path} is in use by another process. Stop that one, or choose another path.");
    }
}
