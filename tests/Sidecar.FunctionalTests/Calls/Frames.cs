using System.Buffers.Binary;
using System.IO.Compression;
using Google.Protobuf;

namespace Sidecar.FunctionalTests.Calls;

/// <summary>Messages as they are on the wire: a compressed flag, the length, the bytes.</summary>
internal static class Frames
{
    public const int PrefixBytes = 5;

    public static byte[] Of(IMessage message) => Of(message.ToByteArray());

    public static byte[] Of(byte[] payload, byte flag = 0) => [.. Prefix((uint)payload.Length, flag), .. payload];

    public static byte[] Prefix(uint announced, byte flag = 0)
    {
        var prefix = new byte[PrefixBytes];
        prefix[0] = flag;
        BinaryPrimitives.WriteUInt32BigEndian(prefix.AsSpan(1), announced);
        return prefix;
    }

    public static byte[] Gzip(byte[] payload) => Pack(payload, packed => new GZipStream(packed, CompressionLevel.Optimal));

    /// <summary>As gRPC means it: with zlib's header (RFC 1950).</summary>
    public static byte[] Deflate(byte[] payload) => Pack(payload, packed => new ZLibStream(packed, CompressionLevel.Optimal));

    private static byte[] Pack(byte[] payload, Func<Stream, Stream> packer)
    {
        using var packed = new MemoryStream();
        using (var stream = packer(packed)) stream.Write(payload);
        return packed.ToArray();
    }
}
