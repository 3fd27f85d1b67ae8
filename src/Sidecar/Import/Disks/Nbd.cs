namespace Sidecar.Import.Disks;

/// <summary>Numbers of the NBD protocol, as far as a reader of disks needs them.</summary>
internal static class Nbd
{
    public const ulong Greeting = 0x4E42444D41474943; // NBDMAGIC
    public const ulong OptionMagic = 0x49484156454F5054; // IHAVEOPT
    public const ulong OptionReplyMagic = 0x0003E889045565A9;
    public const uint RequestMagic = 0x25609513;
    public const uint ChunkMagic = 0x668E33EF;

    public const ushort FixedNewstyle = 1;

    public const uint OptionGo = 7;
    public const uint OptionStructuredReply = 8;
    public const uint OptionSetMetaContext = 10;

    public const uint ReplyDone = 1;
    public const uint ReplyInfo = 3;
    public const uint ReplyMetaContext = 4;
    public const uint ReplyIsError = 1u << 31;
    public const ushort InfoExport = 0;

    public const ushort ExportRefusesFragments = 1 << 7;

    public const ushort CommandRead = 0;
    public const ushort CommandDisconnect = 2;
    public const ushort CommandBlockStatus = 7;
    public const ushort FlagNoFragments = 1 << 2;

    public const ushort ChunkIsLast = 1;
    public const ushort ChunkNone = 0;
    public const ushort ChunkData = 1;
    public const ushort ChunkHole = 2;
    public const ushort ChunkBlockStatus = 5;
    public const ushort ChunkIsError = 1 << 15;

    /// <summary>The context of block status that tells what is allocated, and what reads as zeros.</summary>
    public static ReadOnlySpan<byte> Allocation => "base:allocation"u8;

    public const uint ReadsAsZeros = 2;
}
