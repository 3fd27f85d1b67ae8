namespace Sidecar.Stores.Writers;

/// <summary>The parts of a block that are not all zeros: those are all that a new image in a store has to be given.</summary>
internal static class DataRuns
{
    /// <summary>Small enough to leave out most zeros, large enough for a request of its own to be worth it.</summary>
    public const int UnitBytes = 64 << 10;

    /// <summary>Where runs of units with data begin and end, in order.</summary>
    public static List<(int Start, int End)> Of(ReadOnlySpan<byte> block)
    {
        var runs = new List<(int Start, int End)>();
        for (var start = 0; start < block.Length; start += UnitBytes)
        {
            var end = Math.Min(start + UnitBytes, block.Length);
            if (!block[start..end].ContainsAnyExcept((byte)0)) continue;
            if (runs is [.., var last] && last.End == start) runs[^1] = (last.Start, end);
            else runs.Add((start, end));
        }

        return runs;
    }
}
