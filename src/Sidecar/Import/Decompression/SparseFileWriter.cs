using Microsoft.Win32.SafeHandles;
using Sidecar.Staging.Files;

namespace Sidecar.Import.Decompression;

/// <summary>
/// Writes a file from the beginning to the end and leaves holes where there are only zeros. Call <see cref="Finish"/>
/// at the end: it sets the length and makes the content durable.
/// </summary>
/// <param name="blockBytes">Smallest hole that is looked for.</param>
internal sealed class SparseFileWriter(
    SafeFileHandle file, Action<long> beforeWrite, int blockBytes = SparseFileWriter.BlockBytes)
{
    // The cluster of qcow2 and a multiple of every file system's block: smaller holes cost more calls than they save.
    private const int BlockBytes = 64 << 10;

    // Started early, the writeback leaves the fsync at the end little to wait for.
    private const long WritebackBytes = 32 << 20;

    private long _writebackStart;

    public long Length { get; private set; }

    /// <summary>Bytes that are not in holes.</summary>
    public long WrittenBytes { get; private set; }

    /// <summary>Appends zeros that nobody has in memory.</summary>
    public void Skip(long bytes) => Length += bytes;

    /// <summary>Appends; <paramref name="data"/> is a multiple of the block long, except at the end.</summary>
    public void Append(ReadOnlySpan<byte> data)
    {
        while (!data.IsEmpty)
        {
            var zeros = RunLength(data, wantZeros: true);
            Length += zeros;
            data = data[zeros..];
            var run = RunLength(data, wantZeros: false);
            if (run > 0) Write(data[..run]);
            data = data[run..];
        }
    }

    public void Finish()
    {
        RandomAccess.SetLength(file, Length);
        Posix.Sync(file);
    }

    private int RunLength(ReadOnlySpan<byte> data, bool wantZeros)
    {
        var length = 0;
        while (length < data.Length)
        {
            var block = data.Slice(length, Math.Min(blockBytes, data.Length - length));
            if (block.ContainsAnyExcept((byte)0) == wantZeros) break;
            length += block.Length;
        }

        return length;
    }

    private void Write(ReadOnlySpan<byte> run)
    {
        beforeWrite(run.Length);
        RandomAccess.Write(file, run, Length);
        Length += run.Length;
        WrittenBytes += run.Length;
        if (Length - _writebackStart < WritebackBytes) return;
        Posix.StartWriteback(file, _writebackStart, Length - _writebackStart);
        _writebackStart = Length;
    }
}
