namespace Sidecar.Import.Disks;

/// <summary>Asks a server which parts of its disk read as zeros.</summary>
internal static class DiskMapReader
{
    // The protocol counts in 32 bits; it answers as far as it likes.
    private const uint MostAsked = 1 << 30;

    private const int ContextBytes = 4;
    private const int ExtentBytes = 8;

    // As many extents as QEMU tells at once.
    private const uint MaxAnswerBytes = ContextBytes + (1 << 20);

    /// <exception cref="NbdException">The server hung up, tells an error, or answers nonsense.</exception>
    public static DiskMap Read(NbdConnection connection)
    {
        var map = new DiskMap(connection.Export.Size);
        for (var cookie = 0ul; map.Position < map.Size; cookie++)
        {
            var length = (uint)Math.Min(MostAsked, map.Size - map.Position);
            connection.Ask(Nbd.CommandBlockStatus, 0, cookie, map.Position, length);
            ReceiveAnswer(connection, cookie, map, length);
        }

        return map;
    }

    private static void ReceiveAnswer(NbdConnection connection, ulong cookie, DiskMap map, uint asked)
    {
        var chunk = connection.NextChunk();
        if (chunk.Cookie != cookie || chunk.Type != Nbd.ChunkBlockStatus || chunk.Length > MaxAnswerBytes
            || chunk.Length < ContextBytes + ExtentBytes || (chunk.Length - ContextBytes) % ExtentBytes != 0
            || connection.ReceiveUInt32() != connection.Export.Context)
        {
            throw Nonsense();
        }

        var end = map.Position + asked;
        for (var left = (chunk.Length - ContextBytes) / ExtentBytes; left > 0; left--)
        {
            var (length, flags) = (connection.ReceiveUInt32(), connection.ReceiveUInt32());
            // Only the last one may go further than was asked.
            if (length == 0 || map.Position >= end) throw Nonsense();
            map.Append(Math.Min(length, end - map.Position), (flags & Nbd.ReadsAsZeros) == 0);
        }

        if (chunk.IsLast) return;
        if (connection.NextChunk() is not { Type: Nbd.ChunkNone, IsLast: true, Length: 0 } rest || rest.Cookie != cookie) throw Nonsense();
    }

    private static NbdException Nonsense() => NbdException.Violated("it answers nonsense when it is asked what is allocated");
}
