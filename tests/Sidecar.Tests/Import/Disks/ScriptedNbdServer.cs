using System.Buffers.Binary;
using System.Net.Sockets;
using Sidecar.Import.Disks;
using Sidecar.Tests.Infrastructure;

namespace Sidecar.Tests.Import.Disks;

/// <summary>Says over a real socket what it is told to, whatever it is asked, and then hangs up.</summary>
internal sealed class ScriptedNbdServer : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly Socket _server;
    private readonly Task _saying;

    // What the client sends to agree with it, and of each request.
    private const int HandshakeBytes = 85;
    private const int RequestBytes = 28;

    /// <param name="said">All of it.</param>
    /// <param name="beforeRequests">How much of it is said at once.</param>
    /// <param name="requests">How many it is to be asked before it says the rest: nobody may answer what was not asked.</param>
    public ScriptedNbdServer(byte[][] said, int beforeRequests, int requests)
    {
        var name = new UnixDomainSocketEndPoint(_directory["s"]);
        _listener.Bind(name);
        _listener.Listen();
        Client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        Client.Connect(name);
        _server = _listener.Accept();
        _saying = Task.Run(() => Say(said, beforeRequests, requests));
    }

    public Socket Client { get; }

    public static byte[] Greeting => [.. Number(Nbd.Greeting), .. Number(Nbd.OptionMagic), 0, 3];

    /// <summary>All of a handshake that goes well.</summary>
    public static byte[] Handshake(long size) =>
    [
        .. Greeting, .. Reply(Nbd.OptionStructuredReply, Nbd.ReplyDone), .. Context(), .. Reply(Nbd.OptionSetMetaContext, Nbd.ReplyDone),
        .. Export(size), .. Reply(Nbd.OptionGo, Nbd.ReplyDone),
    ];

    public static byte[] Context(string name = "base:allocation") =>
        Reply(Nbd.OptionSetMetaContext, Nbd.ReplyMetaContext, [0, 0, 0, 9, .. System.Text.Encoding.ASCII.GetBytes(name)]);

    public static byte[] Export(long size) => Reply(Nbd.OptionGo, Nbd.ReplyInfo, [0, 0, .. Number((ulong)size), 0, 0x8F]);

    public static byte[] Reply(uint option, uint type, params byte[] data) =>
        [.. Number(Nbd.OptionReplyMagic), .. Number(option), .. Number(type), .. Number((uint)data.Length), .. data];

    public static byte[] Chunk(ushort type, ulong cookie, byte[] data, bool isLast = true, uint? length = null) =>
    [
        .. Number(Nbd.ChunkMagic), 0, isLast ? (byte)1 : (byte)0, (byte)(type >> 8), (byte)type, .. Number(cookie),
        .. Number(length ?? (uint)data.Length), .. data,
    ];

    public static byte[] Status(ulong cookie, params (uint Length, uint Flags)[] extents) => Chunk(
        Nbd.ChunkBlockStatus, cookie,
        [0, 0, 0, 9, .. extents.SelectMany(extent => (byte[])[.. Number(extent.Length), .. Number(extent.Flags)])]);

    public static byte[] Number(ulong number)
    {
        var bytes = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, number);
        return bytes;
    }

    public static byte[] Number(uint number)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, number);
        return bytes;
    }

    public void Dispose()
    {
        // Nothing is read any more, so nothing can wait to be said.
        Client.Dispose();
        _saying.Wait();
        _server.Dispose();
        _listener.Dispose();
        _directory.Dispose();
    }

    private void Say(byte[][] said, int beforeRequests, int requests)
    {
        try
        {
            _server.Send([.. said.Take(beforeRequests).SelectMany(bytes => bytes)]);
            var asked = new byte[HandshakeBytes + (requests * RequestBytes)];
            for (var count = 0; beforeRequests < said.Length && count < asked.Length;)
            {
                var more = _server.Receive(asked.AsSpan(count));
                if (more == 0) return; // the client has had enough
                count += more;
            }

            _server.Send([.. said.Skip(beforeRequests).SelectMany(bytes => bytes)]);
            _server.Shutdown(SocketShutdown.Send);
        }
        catch (SocketException)
        {
            // The client has had enough.
        }
    }
}
