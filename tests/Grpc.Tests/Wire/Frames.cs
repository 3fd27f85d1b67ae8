using System.Buffers.Binary;
using System.IO.Compression;
using Grpc.Core;

namespace Grpc.Tests.Wire;

/// <summary>Messages as they are on the wire.</summary>
internal static class Frames
{
    public static Marshaller<byte[]> Bytes { get; } = Marshallers.Create(
        (byte[] message) => message, payload => payload);

    public static byte[] Frame(byte[] payload, byte flag = 0)
    {
        var frame = new byte[5 + payload.Length];
        frame[0] = flag;
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(1), (uint)payload.Length);
        payload.CopyTo(frame, 5);
        return frame;
    }

    public static byte[] Prefix(uint announced, byte flag = 0)
    {
        var prefix = Frame([], flag);
        BinaryPrimitives.WriteUInt32BigEndian(prefix.AsSpan(1), announced);
        return prefix;
    }

    public static byte[] Gzip(byte[] payload)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Optimal))
            gzip.Write(payload);

        return packed.ToArray();
    }

    public static byte[] Gunzip(byte[] packed)
    {
        using var gzip = new GZipStream(new MemoryStream(packed), CompressionMode.Decompress);
        using var payload = new MemoryStream();
        gzip.CopyTo(payload);
        return payload.ToArray();
    }

    /// <summary>Bytes that show when they are out of place.</summary>
    public static byte[] Pattern(int size, int seed = 0)
    {
        var bytes = new byte[size];
        for (var i = 0; i < size; i++)
            bytes[i] = (byte)((i * 31) + seed);

        return bytes;
    }
}
