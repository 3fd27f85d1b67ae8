namespace Sidecar.Benchmarks;

/// <summary>Disks to measure with.</summary>
internal static class BenchDisk
{
    /// <summary>A raw disk, a quarter of it noise that does not compress, the rest a hole: as of a fresh system.</summary>
    public static void WriteRaw(string path, int mebibytes)
    {
        using var file = File.OpenHandle(path, FileMode.Create, FileAccess.Write);
        var noise = new byte[1 << 20];
        for (var at = 0; at < mebibytes / 4; at++)
        {
            Random.Shared.NextBytes(noise);
            RandomAccess.Write(file, noise, (long)at * 2 << 20); // every other mebibyte
        }

        RandomAccess.SetLength(file, (long)mebibytes << 20);
    }
}
