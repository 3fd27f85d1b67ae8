using System.Buffers;
using BenchmarkDotNet.Attributes;
using Sidecar.Staging.Files;

namespace Sidecar.HotPaths;

/// <summary>CRC-32C of what is received.</summary>
public class Checksum : HotPath
{
    private readonly ReadOnlySequence<byte> _chunk = Blocks.OfNoise(1 << 20);
    private readonly ReadOnlyMemory<byte> _block = Blocks.OfNoise(128 << 10).First;
    private uint _crc = 1;

    [Benchmark]
    [Budget(32)]
    public void OfABlock() => _crc = Crc32C.Append(_crc, _block.Span);

    [Benchmark]
    [Budget(32)]
    public void OfAChunk() => _crc = Crc32C.Append(_crc, _chunk);

    [Benchmark]
    [Budget(0)]
    public void OfAHole() => _crc = Crc32C.AppendZeros(_crc, 1 << 20);

    [Benchmark]
    [Budget(0)]
    public void OfAKnownChunk() => _crc = Crc32C.Combine(_crc, 1, 1 << 20);
}
