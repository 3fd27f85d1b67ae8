using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.SoakTests.Pods;

/// <summary>A small file system at a directory, which others fill up at times.</summary>
internal sealed class SmallVolume : IDisposable
{
    private const int Block = 1 << 20;

    private readonly Mount _mount;
    private readonly string _ballast;

    public SmallVolume(string directory, long bytes)
    {
        Directory.CreateDirectory(directory);
        _mount = Mount.OfSize(directory, bytes);
        _ballast = Path.Combine(directory, "ballast");
    }

    /// <summary>Takes what is free, to the last byte.</summary>
    public void Fill()
    {
        var block = new byte[Block];
        try
        {
            using var ballast = new FileStream(_ballast, FileMode.Append, FileAccess.Write, FileShare.Read, bufferSize: 0);
            while (true) ballast.Write(block);
        }
        catch (IOException)
        {
            // It is full.
        }
    }

    public void Free() => File.Delete(_ballast);

    public void Dispose() => _mount.Dispose();
}
