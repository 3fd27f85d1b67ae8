using System.Buffers.Binary;

namespace Sidecar.Import.Disks;

/// <summary>
/// The fixed newstyle handshake: structured replies, what is allocated, and the disk without a name. All is asked at once, so
/// that it takes one round trip.
/// </summary>
internal static class NbdHandshake
{
    // What is answered takes under 100 bytes; anything longer is no answer.
    private const int MaxReplyBytes = 4096;
    private const int MaxReplies = 16;
    private const int GreetingBytes = 18;
    private const int ReplyBytes = 20;

    /// <exception cref="NbdException">The server hung up, or is none that can be read from.</exception>
    public static NbdExport Run(NbdWire wire)
    {
        Span<byte> greeting = stackalloc byte[GreetingBytes];
        wire.Receive(greeting);
        if (BinaryPrimitives.ReadUInt64BigEndian(greeting) != Nbd.Greeting
            || BinaryPrimitives.ReadUInt64BigEndian(greeting[8..]) != Nbd.OptionMagic
            || (BinaryPrimitives.ReadUInt16BigEndian(greeting[16..]) & Nbd.FixedNewstyle) == 0)
        {
            throw NbdException.Violated("it does not greet as a server does");
        }

        wire.Send(Questions());
        Span<byte> nothing = [];
        _ = Next(wire, Nbd.OptionStructuredReply, ref nothing);
        var context = ReceiveContext(wire);
        var (size, flags) = ReceiveExport(wire);
        return new NbdExport(size, (flags & Nbd.ExportRefusesFragments) != 0, context);
    }

    private static uint ReceiveContext(NbdWire wire)
    {
        uint? context = null;
        Span<byte> room = stackalloc byte[MaxReplyBytes];
        for (var i = 0; i < MaxReplies; i++)
        {
            var reply = room;
            if (Next(wire, Nbd.OptionSetMetaContext, ref reply) == Nbd.ReplyDone)
            {
                return context ?? throw NbdException.Violated("it does not tell what is allocated");
            }

            if (context is not null || reply.Length < 4 || !reply[4..].SequenceEqual(Nbd.Allocation)) throw Unasked();
            context = BinaryPrimitives.ReadUInt32BigEndian(reply);
        }

        throw Unasked();
    }

    private static (long Size, ushort Flags) ReceiveExport(NbdWire wire)
    {
        (long, ushort)? export = null;
        Span<byte> room = stackalloc byte[MaxReplyBytes];
        for (var i = 0; i < MaxReplies; i++)
        {
            var reply = room;
            if (Next(wire, Nbd.OptionGo, ref reply) == Nbd.ReplyDone)
            {
                return export ?? throw NbdException.Violated("it does not tell the size of the disk");
            }

            if (reply.Length < 2) throw Unasked();
            if (BinaryPrimitives.ReadUInt16BigEndian(reply) != Nbd.InfoExport) continue; // more than was asked for is allowed
            if (reply.Length != 12 || export is not null) throw Unasked();
            var size = BinaryPrimitives.ReadInt64BigEndian(reply[2..]);
            if (size < 0) throw NbdException.Violated("its disk is larger than disks are");
            export = (size, BinaryPrimitives.ReadUInt16BigEndian(reply[10..]));
        }

        throw Unasked();
    }

    /// <summary>One reply to an option.</summary>
    /// <param name="reply">In: room for what it brings; out: that.</param>
    /// <returns>Done, info or context.</returns>
    private static uint Next(NbdWire wire, uint option, ref Span<byte> reply)
    {
        Span<byte> header = stackalloc byte[ReplyBytes];
        wire.Receive(header);
        var type = BinaryPrimitives.ReadUInt32BigEndian(header[12..]);
        var length = BinaryPrimitives.ReadUInt32BigEndian(header[16..]);
        if (BinaryPrimitives.ReadUInt64BigEndian(header) != Nbd.OptionReplyMagic
            || BinaryPrimitives.ReadUInt32BigEndian(header[8..]) != option || length > reply.Length)
        {
            throw Unasked();
        }

        reply = reply[..(int)length];
        wire.Receive(reply);
        if ((type & Nbd.ReplyIsError) != 0) throw NbdException.Violated($"it refuses option {option}, as servers before 2.12 do");
        var expected = option switch
        {
            Nbd.OptionGo => Nbd.ReplyInfo, Nbd.OptionSetMetaContext => Nbd.ReplyMetaContext, _ => Nbd.ReplyDone,
        };
        return type == Nbd.ReplyDone || type == expected ? type : throw Unasked();
    }

    private static ReadOnlySpan<byte> Questions()
    {
        var name = Nbd.Allocation;
        var bytes = new List<byte>();
        bytes.AddRange([0, 0, 0, (byte)Nbd.FixedNewstyle]);
        Add(Nbd.OptionStructuredReply, []);
        Add(Nbd.OptionSetMetaContext, [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, (byte)name.Length, .. name]);
        Add(Nbd.OptionGo, [0, 0, 0, 0, 0, 0]);
        return bytes.ToArray();

        void Add(uint option, ReadOnlySpan<byte> data)
        {
            Span<byte> header = stackalloc byte[16];
            BinaryPrimitives.WriteUInt64BigEndian(header, Nbd.OptionMagic);
            BinaryPrimitives.WriteUInt32BigEndian(header[8..], option);
            BinaryPrimitives.WriteInt32BigEndian(header[12..], data.Length);
            bytes.AddRange(header);
            bytes.AddRange(data);
        }
    }

    private static NbdException Unasked() => NbdException.Violated("it answers what it was not asked");
}
