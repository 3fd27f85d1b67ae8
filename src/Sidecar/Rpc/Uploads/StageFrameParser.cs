using System.Buffers;
using System.Buffers.Binary;
using Glance.Sidecar.V1;
using Google.Protobuf;

namespace Sidecar.Rpc.Uploads;

/// <summary>
/// Reads a <see cref="StageRequest"/> from the wire without copying the chunk's bytes; the generated parser would put
/// each megabyte into an array of its own. Unknown fields are skipped, as protobuf asks for.
/// </summary>
internal static class StageFrameParser
{
    /// <exception cref="InvalidDataException">The message is malformed.</exception>
    public static StageFrame Parse(ReadOnlySequence<byte> message)
    {
        StageFrame? frame = null;
        var reader = new SequenceReader<byte>(message);
        while (!reader.End)
        {
            var (field, wireType) = ReadTag(ref reader);
            if (field is StageRequest.HeaderFieldNumber or StageRequest.ChunkFieldNumber
                    or StageRequest.FinishFieldNumber
                && wireType == WireFormat.WireType.LengthDelimited)
            {
                frame = ParsePart(field, ReadDelimited(ref reader));
            }
            else
            {
                Skip(ref reader, wireType);
            }
        }

        return frame ?? new StageFrame();
    }

    private static StageFrame ParsePart(int field, ReadOnlySequence<byte> part) => field switch
    {
        StageRequest.HeaderFieldNumber => new StageFrame { Header = StageHeader.Parser.ParseFrom(part) },
        StageRequest.FinishFieldNumber => new StageFrame { Finish = StageFinish.Parser.ParseFrom(part) },
        _ => ParseChunk(part),
    };

    private static StageFrame ParseChunk(ReadOnlySequence<byte> part)
    {
        var data = ReadOnlySequence<byte>.Empty;
        long? offset = null;
        uint? crc32C = null;
        var zeros = 0L;
        var reader = new SequenceReader<byte>(part);
        while (!reader.End)
        {
            switch (ReadTag(ref reader))
            {
                case (StageChunk.DataFieldNumber, WireFormat.WireType.LengthDelimited):
                    data = ReadDelimited(ref reader);
                    break;
                case (StageChunk.OffsetFieldNumber, WireFormat.WireType.Varint):
                    offset = (long)Math.Min(ReadVarint(ref reader), long.MaxValue);
                    break;
                case (StageChunk.Crc32CFieldNumber, WireFormat.WireType.Fixed32):
                    crc32C = ReadFixed32(ref reader);
                    break;
                case (StageChunk.ZerosFieldNumber, WireFormat.WireType.Varint):
                    zeros = (long)Math.Min(ReadVarint(ref reader), long.MaxValue);
                    break;
                case var (_, wireType):
                    Skip(ref reader, wireType);
                    break;
            }
        }

        return new StageFrame { IsChunk = true, Data = data, Offset = offset, Crc32C = crc32C, Zeros = zeros };
    }

    private static (int Field, WireFormat.WireType WireType) ReadTag(ref SequenceReader<byte> reader)
    {
        var tag = ReadVarint(ref reader);
        if (tag is < 8 or > uint.MaxValue) throw Malformed();
        return (WireFormat.GetTagFieldNumber((uint)tag), WireFormat.GetTagWireType((uint)tag));
    }

    private static ReadOnlySequence<byte> ReadDelimited(ref SequenceReader<byte> reader)
    {
        var length = ReadVarint(ref reader);
        if (length > (ulong)reader.Remaining) throw Malformed();
        var content = reader.UnreadSequence.Slice(0, (long)length);
        reader.Advance((long)length);
        return content;
    }

    private static ulong ReadVarint(ref SequenceReader<byte> reader)
    {
        var value = 0UL;
        for (var shift = 0; shift < 64; shift += 7)
        {
            if (!reader.TryRead(out var next)) throw Malformed();
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80) return value;
        }

        throw Malformed();
    }

    private static uint ReadFixed32(ref SequenceReader<byte> reader)
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        if (!reader.TryCopyTo(bytes)) throw Malformed();
        reader.Advance(bytes.Length);
        return BinaryPrimitives.ReadUInt32LittleEndian(bytes);
    }

    private static void Skip(ref SequenceReader<byte> reader, WireFormat.WireType wireType)
    {
        switch (wireType)
        {
            case WireFormat.WireType.Varint:
                ReadVarint(ref reader);
                break;
            case WireFormat.WireType.LengthDelimited:
                ReadDelimited(ref reader);
                break;
            case WireFormat.WireType.Fixed32 when reader.Remaining >= sizeof(uint):
                reader.Advance(sizeof(uint));
                break;
            case WireFormat.WireType.Fixed64 when reader.Remaining >= sizeof(ulong):
                reader.Advance(sizeof(ulong));
                break;
            default:
                throw Malformed();
        }
    }

    private static InvalidDataException Malformed() => new("The bytes are not a StageRequest message.");
}
