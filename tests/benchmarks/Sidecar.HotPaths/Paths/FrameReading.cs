using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using BenchmarkDotNet.Attributes;
using Glance.Sidecar.V1;
using Google.Protobuf;
using Sidecar.Rpc.Uploads;

namespace Sidecar.HotPaths;

/// <summary>A message of a Stage call: from the bytes of the request's body to a frame.</summary>
public class FrameReading : HotPath
{
    private const int PrefixBytes = 5;
    private const int ChunkBytes = 1 << 20;

    private readonly ReadOnlySequence<byte> _message = Blocks.Of(Message(ChunkBytes));
    private readonly StageFrames _ahead = new(new FullBody(Blocks.Of(Prefixed(Message(ChunkBytes)))), 4 << 20, CancellationToken.None);
    private readonly byte[] _small = Prefixed(Message(1 << 10));
    private readonly StageFrames _behind;
    private readonly Pipe _pipe = new(new PipeOptions(
        readerScheduler: PipeScheduler.Inline, writerScheduler: PipeScheduler.Inline, useSynchronizationContext: false));

    public FrameReading() => _behind = new StageFrames(_pipe.Reader, 4 << 20, CancellationToken.None);

    [Benchmark]
    [Budget(96)]
    public void Parse() => Take(StageFrameParser.Parse(_message));

    /// <summary>The next message is there already.</summary>
    [Benchmark]
    [Budget(96, BytesOfDebugBuild = 192)]
    public void ReadWhatIsThere() => Take(_ahead.MoveNext(CancellationToken.None), _ahead);

    /// <summary>The next message has yet to come.</summary>
    [Benchmark]
    [Budget(272, BytesOfDebugBuild = 96)]
    public void ReadWhatComes()
    {
        var next = _behind.MoveNext(CancellationToken.None);
        _pipe.Writer.Write(_small);
        _ = _pipe.Writer.FlushAsync(CancellationToken.None).AsTask();
        Take(next, _behind);
    }

    private static void Take(Task<bool> next, StageFrames frames)
    {
        if (!next.IsCompletedSuccessfully || !next.Result) throw new InvalidOperationException("The message did not come.");
        Take(frames.Current);
    }

    private static void Take(StageFrame frame)
    {
        if (!frame.IsChunk) throw new InvalidOperationException("It is no chunk.");
    }

    private static byte[] Message(int bytes) => new StageRequest
    {
        Chunk = new StageChunk { Data = ByteString.CopyFrom(new byte[bytes]), Offset = 5_000_000_000, Crc32C = 1 },
    }.ToByteArray();

    private static byte[] Prefixed(byte[] message)
    {
        var prefixed = new byte[PrefixBytes + message.Length];
        BinaryPrimitives.WriteInt32BigEndian(prefixed.AsSpan(1), message.Length);
        message.CopyTo(prefixed, PrefixBytes);
        return prefixed;
    }
}
