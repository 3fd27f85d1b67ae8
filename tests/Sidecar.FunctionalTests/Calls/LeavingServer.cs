using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Sidecar.FunctionalTests.Calls;

/// <summary>
/// An HTTP/2 server that is about to leave: it reads the beginning of the first call, says that it did not take it, and ends
/// the connection. Of what comes over a second connection it keeps the data, and ends that too.
/// </summary>
internal sealed class LeavingServer : IAsyncDisposable
{
    private const int PrefaceBytes = 24;
    private const int HeaderBytes = 9;
    private const byte DataFrame = 0;
    private const byte EndStream = 1;

    private static readonly byte[] Settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    // The last stream that it took is number 0: none; error code 0.
    private static readonly byte[] GoAway = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly MemoryStream _resent = new();
    private readonly Task _serving;
    private TcpClient? _second;

    public LeavingServer()
    {
        _listener.Start();
        _serving = ServeAsync();
    }

    public IPEndPoint Address => (IPEndPoint)_listener.LocalEndpoint;

    /// <summary>The data that came over the second connection, to the end of the call.</summary>
    public byte[] Resent => _resent.ToArray();

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        _second?.Dispose(); // its client keeps it for other calls
        await _serving;
    }

    private async Task ServeAsync()
    {
        try
        {
            using (var first = await _listener.AcceptTcpClientAsync())
            {
                await ReadAsync(first.GetStream(), (type, _, payload) => type == DataFrame && payload.Length > 0);
                await first.GetStream().WriteAsync(GoAway);
            }

            _second = await _listener.AcceptTcpClientAsync();
            await ReadAsync(_second.GetStream(), (type, flags, payload) =>
            {
                if (type == DataFrame) _resent.Write(payload);
                return type == DataFrame && (flags & EndStream) != 0;
            });
        }
        catch (Exception end) when (end is SocketException or IOException or InvalidOperationException or ObjectDisposedException)
        {
            // The client hung up, or the test is over.
        }
    }

    private static async Task ReadAsync(NetworkStream stream, Func<byte, byte, byte[], bool> isLast)
    {
        await stream.ReadExactlyAsync(new byte[PrefaceBytes]);
        await stream.WriteAsync(Settings);
        var header = new byte[HeaderBytes];
        while (true)
        {
            await stream.ReadExactlyAsync(header);
            var payload = new byte[BinaryPrimitives.ReadInt32BigEndian(header) >>> 8];
            await stream.ReadExactlyAsync(payload);
            if (isLast(header[3], header[4], payload)) return;
        }
    }
}
