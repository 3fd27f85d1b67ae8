using Sidecar.Import.Hashing;
using Sidecar.Stores.Core;

namespace Sidecar.Stores.Writers;

/// <summary>
/// Reads the source once, in blocks, for the store and for all digests: what a store is given is what was digested, as
/// it was in the same buffer. A hole is neither read nor handed on.
/// </summary>
internal sealed class SourceReader : IDisposable
{
    private readonly IImageBytes _bytes;
    private readonly long _size;
    private readonly OutputDigests _digests;
    private long _offset;
    private uint _crc = Staging.Files.Crc32C.Empty;

    private SourceReader(IImageBytes bytes, long size, IEnumerable<string> algorithms) =>
        (_bytes, _size, _digests) = (bytes, size, new OutputDigests(algorithms.Distinct()));

    /// <param name="job">Names the source.</param>
    /// <param name="algorithms">Digests to compute.</param>
    /// <exception cref="FileNotFoundException">It is gone.</exception>
    /// <exception cref="StoreException"><see cref="StoreError.StoreCorrupt"/>: it is of another length.</exception>
    /// <exception cref="Import.Disks.NbdException">The program that serves it does not.</exception>
    public static SourceReader Open(WriteJob job, IEnumerable<string> algorithms) => new(
        job.Disk is { } disk ? new DiskBytes(disk, job.Size) : new FileBytes(job.Path, job.Size), job.Size, algorithms);

    /// <summary>Bytes that were read so far, holes included.</summary>
    public long Offset => _offset;

    /// <summary>
    /// Fills a block with what comes next; its count is 0 at the end.
    /// </summary>
    public void Read(Block block)
    {
        var count = (int)Math.Min(block.Buffer.Length, _size - _offset);
        var hasData = count > 0 && _bytes.Read(block.Buffer.AsSpan(0, count), _offset);
        block.Set(_offset, count, hasData);
        if (hasData)
        {
            _crc = Staging.Files.Crc32C.Append(_crc, block.Data);
            _digests.Append(block.Data);
        }
        else if (count > 0)
        {
            _crc = Staging.Files.Crc32C.AppendZeros(_crc, count);
            _digests.AppendZeros(count, () => { });
        }

        _offset += count;
    }

    /// <summary>The digests of everything, when everything was read.</summary>
    /// <exception cref="StoreException"><see cref="StoreError.StoreCorrupt"/>.</exception>
    public Dictionary<string, string> Finish(string expectedCrc)
    {
        if (expectedCrc.Length > 0 && Staging.Files.Crc32C.ToHex(_crc) != expectedCrc)
        {
            throw Corrupt($"its CRC-32C is {Staging.Files.Crc32C.ToHex(_crc)} and was {expectedCrc}");
        }

        return _digests.Finish().ToDictionary();
    }

    public void Dispose()
    {
        _digests.Dispose();
        _bytes.Dispose();
    }

    /// <summary>The bytes are not those that were staged.</summary>
    public static StoreException Corrupt(string what) => new(
        StoreError.StoreCorrupt, $"The image on the staging volume has changed: {what}. Check the volume, and stage the image again.");
}
