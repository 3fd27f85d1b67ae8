namespace Sidecar.Benchmarks;

/// <summary>Disks to measure with.</summary>
internal static class BenchDisk
{
    /// <summary>A raw disk, a part of it noise that does not compress, the rest holes.</summary>
    /// <param name="parts">How many mebibytes there are for each of noise; a quarter is noise, as of a fresh system, by default.</param>
    public static void WriteRaw(string path, int mebibytes, int parts = 4)
    {
        using var file = File.OpenHandle(path, FileMode.Create, FileAccess.Write);
        var noise = new byte[1 << 20];
        for (var at = 0; at < mebibytes / parts; at++)
        {
            Random.Shared.NextBytes(noise);
            RandomAccess.Write(file, noise, (long)at * 2 << 20); // every other mebibyte
        }

        RandomAccess.SetLength(file, (long)mebibytes << 20);
    }
}
