using System.Diagnostics;

namespace Sidecar.FunctionalTests.Infrastructure;

/// <summary>A directory of its own for one test; with a size, a file system of its own.</summary>
internal sealed class TestDirectory : IDisposable
{
    private readonly bool _mounted;

    private TestDirectory(bool mounted)
    {
        Path = Directory.CreateTempSubdirectory("sidecar-functional-").FullName;
        _mounted = mounted;
    }

    public string Path { get; }

    public string Staging => System.IO.Path.Combine(Path, "staging");

    public string this[string name] => System.IO.Path.Combine(Path, name);

    public static TestDirectory Create() => new(mounted: false);

    /// <summary>A tmpfs that is full after so many bytes. Needs root, as the test machines have.</summary>
    public static TestDirectory WithSpace(long bytes)
    {
        var directory = new TestDirectory(mounted: true);
        Run("mount", "-t", "tmpfs", "-o", $"size={bytes}", "tmpfs", directory.Path);
        return directory;
    }

    public void Dispose()
    {
        if (_mounted) Run("umount", "-l", Path);
        Directory.Delete(Path, recursive: true);
    }

    private static void Run(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        process.WaitForExit();
        if (process.ExitCode != 0) throw new InvalidOperationException($"{program} failed with {process.ExitCode}.");
    }
}
