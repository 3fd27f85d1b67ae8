namespace Glance.Tests.Harness;

/// <summary>A file that takes the room of a volume until it is disposed.</summary>
internal sealed class Ballast : IDisposable
{
    private readonly string _file;

    private Ballast(string file) => _file = file;

    /// <param name="leave">Bytes that stay free.</param>
    public static Ballast Fill(string directory, long leave)
    {
        var bytes = new DriveInfo(directory).AvailableFreeSpace - leave;
        var ballast = new Ballast(Path.Combine(directory, "ballast"));
        using var file = File.OpenHandle(
            ballast._file, FileMode.CreateNew, FileAccess.Write, preallocationSize: bytes);
        return ballast;
    }

    public void Dispose() => File.Delete(_file);
}
