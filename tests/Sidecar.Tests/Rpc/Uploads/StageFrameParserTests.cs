using System.Buffers;
using Glance.Sidecar.V1;
using Google.Protobuf;
using NUnit.Framework;
using Sidecar.Rpc.Uploads;

namespace Sidecar.Tests.Rpc.Uploads;

internal sealed class StageFrameParserTests
{
    [Test]
    public void Parse_Chunk_AgreesWithTheGeneratedParser([Values(0, 1, 127, 128, 70_000)] int size)
    {
        var data = new byte[size];
        new Random(size).NextBytes(data);
        var chunk = new StageChunk { Data = ByteString.CopyFrom(data), Offset = 5_000_000_000, Crc32C = 0xDEADBEEF };
        foreach (var segmentBytes in (int[])[1, 3, 4096, int.MaxValue])
        {
            var frame = StageFrameParser.Parse(Split(new StageRequest { Chunk = chunk }.ToByteArray(), segmentBytes));
            Assert.That(frame.IsChunk, Is.True);
            Assert.That(frame.Data.ToArray(), Is.EqualTo(data));
            Assert.That((frame.Offset, frame.Crc32C), Is.EqualTo((5_000_000_000L, 0xDEADBEEFu)));
        }
    }

    [Test]
    public void Parse_ChunkOfZeros_HasTheirNumber()
    {
        var chunk = new StageRequest { Chunk = new StageChunk { Offset = 5, Zeros = 1UL << 40 } };
        var frame = StageFrameParser.Parse(Split(chunk.ToByteArray(), 1));
        Assert.That((frame.IsChunk, frame.Offset, frame.Zeros), Is.EqualTo((true, (long?)5, 1L << 40)));
        chunk.Chunk.Zeros = ulong.MaxValue;
        frame = StageFrameParser.Parse(Split(chunk.ToByteArray(), 3));
        Assert.That(frame.Zeros, Is.EqualTo(long.MaxValue), "more than any file can have");
    }

    [Test]
    public void Parse_ChunkWithoutOptionalFields_LeavesThemOut()
    {
        var frame = StageFrameParser.Parse(Split(new StageRequest { Chunk = new StageChunk() }.ToByteArray(), 1));
        Assert.That((frame.IsChunk, frame.Offset, frame.Crc32C), Is.EqualTo((true, (long?)null, (uint?)null)));
    }

    [Test]
    public void Parse_HeaderAndFinish_AreTheGeneratedMessages()
    {
        var header = new StageHeader { ImageId = "x", DeclaredSize = 3, ExpectedDigests = { ["md5"] = "00" } };
        var finish = new StageFinish { TotalSize = 3 };
        Assert.That(
            StageFrameParser.Parse(Split(new StageRequest { Header = header }.ToByteArray(), 2)).Header, Is.EqualTo(header));
        Assert.That(
            StageFrameParser.Parse(Split(new StageRequest { Finish = finish }.ToByteArray(), 2)).Finish, Is.EqualTo(finish));
    }

    [Test]
    public void Parse_FieldsOfALaterVersion_AreSkipped()
    {
        var known = new StageRequest { Finish = new StageFinish { TotalSize = 9 } }.ToByteArray();
        // Fields 100 to 103: varint, fixed64, delimited, fixed32.
        byte[] unknown = [0xA0, 6, 0x96, 1, 0xA9, 6, 1, 2, 3, 4, 5, 6, 7, 8, 0xB2, 6, 2, 9, 9, 0xBD, 6, 1, 2, 3, 4];
        var frame = StageFrameParser.Parse(Split([.. unknown, .. known, .. unknown], 3));
        Assert.That(frame.Finish!.TotalSize, Is.EqualTo(9));
    }

    [Test]
    public void Parse_EveryTruncationAndFlippedByte_ThrowsOrParsesButNeverHangs()
    {
        var message = new StageRequest
        {
            Chunk = new StageChunk { Data = ByteString.CopyFrom(new byte[50]), Offset = 7, Crc32C = 8 },
        }.ToByteArray();
        for (var i = 0; i < message.Length; i++)
        {
            var flipped = message.ToArray();
            flipped[i] ^= 0xFF;
            foreach (var broken in (byte[][])[message[..i], flipped])
            {
                try
                {
                    StageFrameParser.Parse(Split(broken, 7));
                }
                catch (Exception malformed) when (malformed is InvalidDataException or InvalidProtocolBufferException)
                {
                    Assert.That(malformed.Message, Is.Not.Empty);
                }
            }
        }
    }

    private static ReadOnlySequence<byte> Split(byte[] bytes, int segmentBytes)
    {
        Segment? first = null;
        Segment? last = null;
        for (var at = 0; at < bytes.Length; at += Math.Min(segmentBytes, bytes.Length))
        {
            last = new Segment(bytes.AsMemory(at, Math.Min(segmentBytes, bytes.Length - at)), last);
            first ??= last;
        }

        return first is null ? default : new ReadOnlySequence<byte>(first, 0, last!, last!.Memory.Length);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, Segment? previous)
        {
            Memory = memory;
            if (previous is null) return;
            RunningIndex = previous.RunningIndex + previous.Memory.Length;
            previous.Next = this;
        }
    }
}
