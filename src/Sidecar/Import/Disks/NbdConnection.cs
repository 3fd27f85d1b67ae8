using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;
using Sidecar.Import.Core;

namespace Sidecar.Import.Disks;

/// <summary>
/// Requests to an NBD server and the pieces of its answers. What it says is hostile: whoever reads a piece checks that it was
/// asked for, and allocates nothing by it.
/// </summary>
internal sealed class NbdConnection : IDisposable
{
    private const int RequestBytes = 28;
    private const int ChunkBytes = 20;
    private const int ErrorBytes = 6;
    private const int MaxErrorBytes = 4096 + ErrorBytes + sizeof(ulong);

    private readonly NbdWire _wire;

    private NbdConnection(NbdWire wire, NbdExport export) => (_wire, Export) = (wire, export);

    public NbdExport Export { get; }

    /// <summary>Takes the socket over, also when it fails. It takes as long as the server wants: its end ends it.</summary>
    /// <exception cref="NbdException">The server hung up, or is none that can be read from.</exception>
    public static NbdConnection Open(Socket socket)
    {
        var wire = new NbdWire(socket);
        try
        {
            return new NbdConnection(wire, NbdHandshake.Run(wire));
        }
        catch
        {
            wire.Dispose();
            throw;
        }
    }

    /// <exception cref="NbdException">The server hung up.</exception>
    public void Ask(ushort command, ushort flags, ulong cookie, long offset, uint length)
    {
        Span<byte> request = stackalloc byte[RequestBytes];
        BinaryPrimitives.WriteUInt32BigEndian(request, Nbd.RequestMagic);
        BinaryPrimitives.WriteUInt16BigEndian(request[4..], flags);
        BinaryPrimitives.WriteUInt16BigEndian(request[6..], command);
        BinaryPrimitives.WriteUInt64BigEndian(request[8..], cookie);
        BinaryPrimitives.WriteInt64BigEndian(request[16..], offset);
        BinaryPrimitives.WriteUInt32BigEndian(request[24..], length);
        _wire.Send(request);
    }

    /// <summary>The next piece of an answer; what it brings is received by the caller.</summary>
    /// <exception cref="NbdException">The server hung up, tells an error, or sends something else.</exception>
    public NbdChunk NextChunk()
    {
        Span<byte> header = stackalloc byte[ChunkBytes];
        _wire.Receive(header);
        if (BinaryPrimitives.ReadUInt32BigEndian(header) != Nbd.ChunkMagic) throw NbdException.Violated("it sends no piece of an answer");
        var chunk = new NbdChunk(
            BinaryPrimitives.ReadUInt16BigEndian(header[6..]),
            (BinaryPrimitives.ReadUInt16BigEndian(header[4..]) & Nbd.ChunkIsLast) != 0,
            BinaryPrimitives.ReadUInt64BigEndian(header[8..]),
            BinaryPrimitives.ReadUInt32BigEndian(header[16..]));
        return (chunk.Type & Nbd.ChunkIsError) != 0 ? throw ReceiveError(chunk) : chunk;
    }

    public void Receive(Span<byte> buffer) => _wire.Receive(buffer);

    public ulong ReceiveUInt64() => _wire.ReceiveUInt64();

    public uint ReceiveUInt32() => _wire.ReceiveUInt32();

    /// <summary>Tells the server that nothing more will be asked, upon which it ends.</summary>
    public void TryDisconnect()
    {
        try
        {
            Ask(Nbd.CommandDisconnect, 0, 0, 0, 0);
        }
        catch (NbdException)
        {
            // It has ended.
        }

        _wire.Shutdown();
    }

    /// <summary>Lets a thread that sends or receives find that the server hung up.</summary>
    public void Shutdown() => _wire.Shutdown();

    public void Dispose() => _wire.Dispose();

    private NbdException ReceiveError(NbdChunk chunk)
    {
        if (chunk.Length is < ErrorBytes or > MaxErrorBytes) return NbdException.Violated("it tells an error that is none");
        Span<byte> error = stackalloc byte[(int)chunk.Length];
        _wire.Receive(error);
        var length = BinaryPrimitives.ReadUInt16BigEndian(error[4..]);
        if (length > error.Length - ErrorBytes) return NbdException.Violated("it tells an error that is none");
        var text = Text.OneLine(Encoding.Latin1.GetString(error.Slice(ErrorBytes, length)));
        return new NbdException(NbdFault.Refused, $"{Meaning(BinaryPrimitives.ReadUInt32BigEndian(error))}: {text}");
    }

    // The protocol's own numbers, in the words of the C library.
    private static string Meaning(uint error) => error switch
    {
        5 => "Input/output error",
        12 => "Cannot allocate memory",
        22 => "Invalid argument",
        75 => "Value too large",
        95 => "Operation not supported",
        _ => $"error {error}",
    };
}
