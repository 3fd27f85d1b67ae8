namespace Sidecar.Stores.Writers;

/// <summary>Takes one image from its source to several stores: read once for all of them, at the pace of the slowest.</summary>
internal sealed class JointWrite(WriteJob job, Func<WriteJob, IStoreWriter> open, Action<long> report)
{
    private readonly List<StoreLane> _lanes = [new(job), .. job.Others!.Select(other => new StoreLane(other))];

    /// <param name="describe">Says of a failure what it was.</param>
    /// <returns>How each of them ended, in order.</returns>
    public async Task<IReadOnlyList<WriteReport>> RunAsync(Func<Exception, WriteFailure> describe)
    {
        try
        {
            await Task.WhenAll(_lanes.Select(lane => Task.Run(() => lane.BeginAsync(open))));
            var unreadable = await TryCopyAsync();
            foreach (var lane in _lanes) await lane.AbandonAsync(unreadable);
            return [.. _lanes.Select(lane => lane.Result is { } result
                ? new WriteReport(Result: result) : new WriteReport(Failure: describe(lane.Failure!)))];
        }
        finally
        {
            foreach (var lane in _lanes) lane.Dispose();
        }
    }

    /// <summary>Answers why the source could not be read; null when it could.</summary>
    private async Task<Exception?> TryCopyAsync()
    {
        try
        {
            if (!_lanes.Any(lane => lane.IsOpen)) return null;
            var digests = Copy();
            await Task.WhenAll(_lanes.Where(lane => lane.IsOpen).Select(lane => Task.Run(() => lane.CompleteAsync(digests))));
            return null;
        }
#pragma warning disable CA1031 // It is every store's failure, and told of each.
        catch (Exception failure)
        {
            return failure;
        }
#pragma warning restore CA1031
    }

    private Dictionary<string, string> Copy()
    {
        using var source = SourceReader.Open(job, job.Digests.Except(job.Known.Keys));
        using var ring = new BlockRing(_lanes.Where(lane => lane.IsOpen).Max(lane => lane.BlockBytes));
        while (_lanes.Any(lane => lane.IsOpen))
        {
            var block = ring.Take();
            source.Read(block);
            if (block.Count == 0) break;
            foreach (var lane in _lanes.Where(lane => lane.IsOpen)) lane.Write(block);
            report(source.Offset);
        }

        ring.Drain();
        // When all have failed before its end, nobody wants to know.
        return _lanes.Any(lane => lane.IsOpen) ? source.Finish(job.Crc32C) : [];
    }
}
