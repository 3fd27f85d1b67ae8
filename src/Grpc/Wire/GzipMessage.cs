using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using Grpc.Core;

namespace Grpc.Wire;

/// <summary>One message's payload as a gzip stream of its own.</summary>
internal static class GzipMessage
{
    private const int StepBytes = 16 * 1024;

    // A gzip stream's last field: its content's length.
    private const int LengthBytes = 4;

    public static void Compress(ReadOnlySpan<byte> payload, IBufferWriter<byte> target, CompressionLevel level)
    {
        using var gzip = new GZipStream(new BufferStream(target), level);
        gzip.Write(payload);
    }

    /// <summary>Decompresses step by step and stops at the limit, whatever was still to come.</summary>
    /// <exception cref="RpcException">RESOURCE_EXHAUSTED over the limit, INTERNAL when it is not gzip.</exception>
    public static PooledBuffer Decompress(ReadOnlySequence<byte> payload, int? maxBytes)
    {
        var inflated = new PooledBuffer();
        try
        {
            using var gzip = new GZipStream(new SequenceStream(payload), CompressionMode.Decompress);
            while (gzip.Read(inflated.GetSpan(StepBytes)) is > 0 and var read)
            {
                inflated.Advance(read);
                SizeLimit.CheckReceived((uint)inflated.Written.Length, maxBytes);
            }

            CheckLength(payload, inflated.Written.Length);
            return inflated;
        }
        catch (InvalidDataException broken)
        {
            inflated.Dispose();
            throw new RpcException(new Status(StatusCode.Internal, "The message is not valid gzip.", broken));
        }
        catch
        {
            inflated.Dispose();
            throw;
        }
    }
    // GZipStream takes a stream that is cut short for one that ends there, and would hand out half a message.
    private static void CheckLength(ReadOnlySequence<byte> payload, int inflatedBytes)
    {
        // Some senders call a message compressed although it is empty and so are its bytes.
        if (payload.IsEmpty)
            return;

        Span<byte> length = stackalloc byte[LengthBytes];
        payload.Slice(Math.Max(0, payload.Length - LengthBytes)).CopyTo(length);
        if (payload.Length < LengthBytes || BinaryPrimitives.ReadUInt32LittleEndian(length) != inflatedBytes)
            throw new InvalidDataException("The gzip stream is cut short.");
    }
}
