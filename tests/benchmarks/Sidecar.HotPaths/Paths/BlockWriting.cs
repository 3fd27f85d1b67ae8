using System.Buffers;
using BenchmarkDotNet.Attributes;
using Microsoft.Win32.SafeHandles;
using Sidecar.Staging.Files;
using Sidecar.Staging.Uploads;

namespace Sidecar.HotPaths;

/// <summary>A chunk on its way to the page cache, of the sizes that clients send.</summary>
public class BlockWriting : HotPath
{
    private readonly ReadOnlySequence<byte> _chunk = Blocks.OfNoise(4 << 20);
    private readonly SafeFileHandle _file = ScratchFile.Open();
    private readonly BlockWriter _writer;
    private readonly Dictionary<int, uint> _known = [];
    private uint _crc = 1;

    public BlockWriting() => _writer = new BlockWriter(_file);

    [Benchmark]
    [Arguments(64)]
    [Arguments(256)]
    [Arguments(1024)]
    [Arguments(4096)]
    [Budget(32)]
    public void Write(int kib) => _crc = _writer.Write(_chunk.Slice(0, (long)kib << 10), 0, _crc);

    /// <summary>Of a chunk that says its own CRC-32C.</summary>
    [Benchmark]
    [Arguments(64)]
    [Arguments(256)]
    [Arguments(1024)]
    [Arguments(4096)]
    [Budget(32)]
    public void CheckAndWrite(int kib)
    {
        var chunk = _chunk.Slice(0, (long)kib << 10);
        var crc = Crc(kib);
        UploadChecks.Chunk(chunk, crc, 0);
        _writer.Write(chunk, 0);
        _crc = Crc32C.Combine(_crc, crc, chunk.Length);
    }

    protected override void Dispose(bool disposing)
    {
        _file.Dispose();
        base.Dispose(disposing);
    }

    // Computed once for each size.
    private uint Crc(int kib)
    {
        if (!_known.TryGetValue(kib, out var crc)) _known[kib] = crc = Crc32C.Append(Crc32C.Empty, _chunk.Slice(0, (long)kib << 10));
        return crc;
    }
}
