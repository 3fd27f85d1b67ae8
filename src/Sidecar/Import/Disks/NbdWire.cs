using System.Buffers.Binary;
using System.Net.Sockets;

namespace Sidecar.Import.Disks;

/// <summary>
/// Whole numbers of bytes over a connected socket. One thread at a time sends, and one receives; whoever wants both to end from a
/// third one ends the server, or calls <see cref="Shutdown"/>.
/// </summary>
/// <param name="socket">Blocking; this owns it.</param>
internal sealed class NbdWire(Socket socket) : IDisposable
{
    /// <exception cref="NbdException">The server hung up.</exception>
    public void Receive(Span<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            var count = Try(buffer, static (from, into) => from.Receive(into));
            if (count == 0) throw Lost(null);
            buffer = buffer[count..];
        }
    }

    public ulong ReceiveUInt64()
    {
        Span<byte> number = stackalloc byte[sizeof(ulong)];
        Receive(number);
        return BinaryPrimitives.ReadUInt64BigEndian(number);
    }

    public uint ReceiveUInt32()
    {
        Span<byte> number = stackalloc byte[sizeof(uint)];
        Receive(number);
        return BinaryPrimitives.ReadUInt32BigEndian(number);
    }

    /// <exception cref="NbdException">The server hung up.</exception>
    public void Send(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty) bytes = bytes[Try(bytes, static (to, from) => to.Send(from))..];
    }

    /// <summary>Lets whoever sends or receives find that the server hung up.</summary>
    public void Shutdown()
    {
        try
        {
            socket.Shutdown(SocketShutdown.Both);
        }
        catch (SocketException)
        {
            // It has.
        }
    }

    public void Dispose() => socket.Dispose();

    private int Try<T>(T bytes, Func<Socket, T, int> call) where T : allows ref struct
    {
        try
        {
            return call(socket, bytes);
        }
        catch (SocketException failure)
        {
            throw Lost(failure);
        }
    }

    private static NbdException Lost(Exception? inner) => new(NbdFault.Lost, "It hung up.", inner);
}
