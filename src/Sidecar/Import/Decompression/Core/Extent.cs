namespace Sidecar.Import.Decompression.Core;

/// <summary>What the headers in a compressed file tell before anything is unpacked.</summary>
/// <param name="End">
/// Where its last complete stream ends; what stands behind it belongs to others. The end of the file where that cannot be
/// told: then the program tells what is wrong.
/// </param>
/// <param name="MemoryBytes">What unpacking it takes besides the program itself.</param>
internal readonly record struct Extent(long End, long MemoryBytes)
{
    /// <summary>Blocks that can be unpacked each by a thread of its own; 0 where they do not tell their lengths.</summary>
    public long Blocks { get; init; }

    /// <summary>What each further thread takes: the largest block, packed and unpacked.</summary>
    public long BlockBytes { get; init; }

    /// <summary>What stands behind it looks like a further stream whose beginning is damaged.</summary>
    public bool IsDamaged { get; init; }
}

/// <summary>Finds the extent of a kind of compression.</summary>
/// <param name="keepOn">Called now and then, and may throw: a file may hold any number of empty blocks.</param>
internal delegate Extent FindExtent(FileWindow file, Action keepOn);
