using System.Buffers.Binary;
using System.Net.Sockets;

namespace Sidecar.FunctionalTests.Interop;

/// <summary>One frame of HTTP/2 that the server sent.</summary>
internal readonly record struct RawFrame(byte Kind, byte Flags, int Stream)
{
    public bool Answers(int stream) => Kind == RawConnection.Headers && Stream == stream && (Flags & RawConnection.EndStream) != 0;

    public bool Resets(int stream) => Kind == RawConnection.Reset && Stream == stream;
}

/// <summary>A connection of HTTP/2 by hand, for a client that goes on where a library stops.</summary>
internal sealed class RawConnection : IAsyncDisposable
{
    public const byte Data = 0;
    public const byte Headers = 1;
    public const byte Reset = 3;
    public const byte Ping = 6;
    public const byte WindowUpdate = 8;
    public const byte EndStream = 1;
    private const byte Settings = 4;
    private const byte EndHeaders = 4;
    private const byte Acknowledged = 1;
    private const int FrameHeaderBytes = 9;

    private readonly NetworkStream _stream;
    private readonly CancellationToken _deadline;

    private RawConnection(Socket socket, CancellationToken deadline) =>
        (_stream, _deadline) = (new NetworkStream(socket, ownsSocket: true), deadline);

    /// <param name="settings">What the client says of itself, as RFC 9113, 6.5.1 has it.</param>
    public static async Task<RawConnection> OpenAsync(string unixSocket, CancellationToken deadline, byte[]? settings = null)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(unixSocket), deadline);
        var connection = new RawConnection(socket, deadline);
        await connection._stream.WriteAsync("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray(), deadline);
        await connection.SendAsync(Settings, 0, 0, settings ?? []);
        return connection;
    }

    /// <summary>Begins a call; its messages are still to come.</summary>
    public async Task BeginAsync(int stream, string path)
    {
        await SendAsync(Headers, EndHeaders, stream,
        [
            .. RawCheck.Literal(":method", "POST"), .. RawCheck.Literal(":scheme", "http"), .. RawCheck.Literal(":path", path),
            .. RawCheck.Literal(":authority", "localhost"), .. RawCheck.Literal("content-type", "application/grpc"),
            .. RawCheck.Literal("te", "trailers"),
        ]);
    }

    /// <summary>Sends a frame. Far less than the windows that the server gives, so that nobody has to count.</summary>
    public async Task SendAsync(byte kind, byte flags, int stream, byte[] payload) =>
        await _stream.WriteAsync(RawCheck.Frame(kind, flags, stream, payload), _deadline);

    /// <summary>The next frame; fails when the server hangs up.</summary>
    public async Task<RawFrame> NextAsync()
    {
        var header = new byte[FrameHeaderBytes];
        await _stream.ReadExactlyAsync(header, _deadline);
        var payload = new byte[BinaryPrimitives.ReadInt32BigEndian(header) >>> 8];
        await _stream.ReadExactlyAsync(payload, _deadline);
        return new RawFrame(header[3], header[4], BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(5)));
    }

    /// <summary>All frames up to the first for which this is true.</summary>
    public async Task<List<RawFrame>> UntilAsync(Predicate<RawFrame> last)
    {
        var frames = new List<RawFrame>();
        do frames.Add(await NextAsync());
        while (!last(frames[^1]));
        return frames;
    }

    /// <summary>All that the server has sent by now.</summary>
    public async Task<List<RawFrame>> ByNowAsync()
    {
        await SendAsync(Ping, 0, 0, new byte[8]);
        return await UntilAsync(frame => frame.Kind == Ping && (frame.Flags & Acknowledged) != 0);
    }

    public ValueTask DisposeAsync() => _stream.DisposeAsync();
}
