using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Sidecar.FunctionalTests.Interop;

/// <summary>
/// Asks for the health of the server in HTTP/2 by hand: client libraries have an opinion of their own on what may stand in
/// the headers.
/// </summary>
internal sealed class RawCheck : IDisposable
{
    private const byte Headers = 1;
    private const byte Reset = 3;
    private const byte Settings = 4;
    private const byte EndStream = 1;
    private const byte EndHeaders = 4;
    private const int FrameHeaderBytes = 9;

    private readonly NetworkStream _stream;

    private RawCheck(Socket connected) => _stream = new NetworkStream(connected, ownsSocket: true);

    /// <summary>How a server answers one who calls it by this name: "answered", "reset" or "hung up".</summary>
    /// <param name="authority">Null: no name at all.</param>
    public static async Task<string> AskAsync(EndPoint server, string? authority, CancellationToken cancellationToken)
    {
        var kind = server is UnixDomainSocketEndPoint ? ProtocolType.Unspecified : ProtocolType.Tcp;
        using var socket = new Socket(server.AddressFamily, SocketType.Stream, kind);
        await socket.ConnectAsync(server, cancellationToken);
        using var check = new RawCheck(socket);
        await check.SendAsync(authority, cancellationToken);
        return await check.ReceiveAsync(cancellationToken);
    }

    public void Dispose() => _stream.Dispose();

    private async Task SendAsync(string? authority, CancellationToken cancellationToken)
    {
        byte[] head =
        [
            .. Literal(":method", "POST"), .. Literal(":scheme", "http"), .. Literal(":path", "/grpc.health.v1.Health/Check"),
            .. authority is null ? [] : Literal(":authority", authority),
            .. Literal("content-type", "application/grpc"), .. Literal("te", "trailers"),
        ];
        byte[] emptyMessage = new byte[5];
        byte[] request =
        [
            .. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, .. Frame(Settings, 0, 0, []), .. Frame(Headers, EndHeaders, 1, head),
            .. Frame(0, EndStream, 1, emptyMessage),
        ];
        await _stream.WriteAsync(request, cancellationToken);
    }

    private async Task<string> ReceiveAsync(CancellationToken cancellationToken)
    {
        var header = new byte[FrameHeaderBytes];
        while (await _stream.ReadAtLeastAsync(header, header.Length, throwOnEndOfStream: false, cancellationToken) == header.Length)
        {
            var length = BinaryPrimitives.ReadInt32BigEndian(header) >>> 8;
            await _stream.ReadExactlyAsync(new byte[length], cancellationToken);
            if (header[3] == Reset) return "reset";
            if (header[3] == Headers && (header[4] & EndStream) != 0) return "answered";
        }

        return "hung up";
    }

    public static byte[] Frame(byte kind, byte flags, int stream, byte[] payload)
    {
        var frame = new byte[FrameHeaderBytes + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, payload.Length << 8);
        (frame[3], frame[4]) = (kind, flags);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame, FrameHeaderBytes);
        return frame;
    }

    // Neither indexed nor compressed; a length below 127 is one byte.
    public static byte[] Literal(string name, string value) =>
    [
        0, (byte)name.Length, .. Encoding.ASCII.GetBytes(name), (byte)value.Length, .. Encoding.Latin1.GetBytes(value),
    ];
}
