using System.Buffers;
using Sidecar.Hosting.Listening;

namespace Sidecar.HotPaths;

/// <summary>Bytes as they lie in the blocks of the daemon's pool after they were received.</summary>
internal static class Blocks
{
    /// <summary>That many bytes of noise.</summary>
    public static ReadOnlySequence<byte> OfNoise(int bytes)
    {
        var content = new byte[bytes];
        new Random(bytes).NextBytes(content);
        return Of(content);
    }

    /// <summary>These bytes.</summary>
    public static ReadOnlySequence<byte> Of(ReadOnlyMemory<byte> content)
    {
        var first = new Segment(content[..Math.Min(content.Length, LargeBlockPool.BlockBytes)], null);
        var last = first;
        for (var at = first.Memory.Length; at < content.Length; at += last.Memory.Length)
        {
            last = new Segment(content.Slice(at, Math.Min(content.Length - at, LargeBlockPool.BlockBytes)), last);
        }

        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, Segment? previous)
        {
            // At an address of its own.
            var block = GC.AllocateUninitializedArray<byte>(LargeBlockPool.BlockBytes, pinned: true);
            memory.CopyTo(block);
            Memory = block.AsMemory(0, memory.Length);
            if (previous is null) return;
            RunningIndex = previous.RunningIndex + previous.Memory.Length;
            previous.Next = this;
        }
    }
}
