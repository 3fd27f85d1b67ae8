using System.Buffers;
using System.Buffers.Binary;
using Grpc.Core;

namespace Grpc.Wire;

/// <summary>The five bytes before each message: a compressed flag and the payload's length.</summary>
internal readonly record struct FrameHeader(bool Compressed, uint PayloadBytes)
{
    public const int Bytes = 5;

    /// <exception cref="RpcException">INTERNAL: the flag is neither 0 nor 1.</exception>
    public static bool TryRead(in ReadOnlySequence<byte> buffer, out FrameHeader header)
    {
        header = default;
        if (buffer.Length < Bytes)
            return false;

        Span<byte> prefix = stackalloc byte[Bytes];
        buffer.Slice(0, Bytes).CopyTo(prefix);
        if (prefix[0] > 1)
            throw new RpcException(new Status(StatusCode.Internal, $"{prefix[0]} is not a compressed flag."));

        header = new(prefix[0] == 1, BinaryPrimitives.ReadUInt32BigEndian(prefix[1..]));
        return true;
    }

    public void Write(IBufferWriter<byte> target)
    {
        var prefix = target.GetSpan(Bytes);
        prefix[0] = Compressed ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteUInt32BigEndian(prefix[1..], PayloadBytes);
        target.Advance(Bytes);
    }
}
