namespace Sidecar.Import.Disks;

/// <summary>Neighbouring blocks of a disk with data in them.</summary>
/// <param name="IsSolid">There is nothing but data in them.</param>
internal readonly record struct DiskRun(long Start, long End, bool IsSolid);

/// <summary>
/// Which blocks of a disk have data in them. Put together from its extents, in order; of a disk with a million runs and more the
/// rest is one run, so that nobody takes the daemon's memory by an image.
/// </summary>
internal sealed class DiskMap(long size)
{
    /// <summary>
    /// What is read by one request. Larger ones take longer: the program's allocator maps each anew, and no cache holds those in
    /// flight.
    /// </summary>
    public const int BlockBytes = 256 << 10;

    // Of file systems, in which holes and data are counted.
    private const int PageBytes = 4096;

    private const int MaxRuns = 1 << 20;

    private readonly List<DiskRun> _runs = [];
    private long _position;
    private long _dataInBlock;
    private long _counted;

    public long Size { get; } = size;

    public IReadOnlyList<DiskRun> Runs => _runs;

    /// <summary>Pages with data in them, in bytes: the most that a sparse copy takes.</summary>
    public long DataBytes { get; private set; }

    /// <summary>Bytes that the extents cover so far.</summary>
    public long Position => _position;

    /// <summary>The next extent, up to the end of the disk at most.</summary>
    public void Append(long length, bool isData)
    {
        var end = _position + Math.Min(length, Size - _position);
        if (isData) Count(end);
        while (_position < end)
        {
            var start = _position / BlockBytes * BlockBytes;
            // Whole blocks at once: a hole may be all of the disk.
            var whole = end == Size ? end : end / BlockBytes * BlockBytes;
            if (_position == start && whole > start)
            {
                if (isData) Add(start, whole, isSolid: true);
                _position = whole;
                continue;
            }

            AppendWithin(start, Math.Min(start + BlockBytes, Size), end, isData);
        }
    }

    /// <summary>The blocks to read, in order.</summary>
    public IEnumerable<DiskRun> Blocks()
    {
        foreach (var run in _runs)
        {
            for (var at = run.Start; at < run.End; at += BlockBytes)
            {
                yield return new DiskRun(at, Math.Min(at + BlockBytes, run.End), run.IsSolid);
            }
        }
    }

    private void AppendWithin(long start, long blockEnd, long end, bool isData)
    {
        var stop = Math.Min(end, blockEnd);
        if (isData) _dataInBlock += stop - _position;
        _position = stop;
        if (stop < blockEnd) return;
        if (_dataInBlock > 0) Add(start, blockEnd, _dataInBlock == blockEnd - start);
        _dataInBlock = 0;
    }

    private void Count(long end)
    {
        var from = Math.Max(_counted, _position / PageBytes * PageBytes);
        _counted = (end + PageBytes - 1) / PageBytes * PageBytes;
        DataBytes += Math.Max(0, _counted - from);
    }

    private void Add(long start, long end, bool isSolid)
    {
        if (_runs.Count > 0 && _runs[^1] is var last && last.End == start && last.IsSolid == isSolid) _runs[^1] = last with { End = end };
        else if (_runs.Count < MaxRuns) _runs.Add(new DiskRun(start, end, isSolid));
        else _runs[^1] = _runs[^1] with { End = end, IsSolid = false };
    }
}
