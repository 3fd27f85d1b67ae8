using System.Net;
using System.Net.Sockets;

namespace Sidecar.SoakTests.Load;

/// <summary>HTTP/2 connections that say hello and then nothing, or begin a frame and do not go on.</summary>
internal sealed class Crowd : IDisposable
{
    private static readonly byte[] Preface = [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, 0, 0, 0, 4, 0, 0, 0, 0, 0];

    // DATA of 16 KiB, the most that a frame may have unless more is agreed on, of which half comes.
    private static readonly byte[] UnfinishedFrame = [.. Preface, 0, 0x40, 0, 0, 0, 0, 0, 0, 1, .. new byte[8 << 10]];

    private readonly List<Socket> _sockets = [];

    public int Count => _sockets.Count;

    public Task JoinAsync(int number, IReadOnlyList<int> ports, bool withFrame, CancellationToken deadline) => Task.Run(async () =>
    {
        for (var i = 0; i < number; i++)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            _sockets.Add(socket);
            try
            {
                await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, ports[i % ports.Count]), deadline);
                await socket.SendAsync(withFrame ? UnfinishedFrame : Preface, deadline);
            }
            catch (SocketException)
            {
                // It was closed at once.
            }
        }
    }, deadline);

    public void Dispose()
    {
        foreach (var socket in _sockets) socket.Dispose();
    }
}
