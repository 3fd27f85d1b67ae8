using System.Diagnostics;
using NUnit.Framework;

namespace Sidecar.FunctionalTests.Infrastructure;

/// <summary>A mount over a file or directory, until it is disposed: what is below cannot be removed or written.</summary>
internal sealed class Mount : IDisposable
{
    private readonly string _path;

    private Mount(string path, params string[] how)
    {
        _path = path;
        Run(["mount", .. how, path]);
    }

    /// <summary>Makes the removal of a file fail, as a disk does that is away, and nothing else.</summary>
    public static Mount Over(string file) => new(file, "--bind", "/dev/null");

    /// <summary>As above, and gives the file this content meanwhile.</summary>
    public static Mount Over(string file, string content) => new(file, "--bind", content);

    /// <summary>Makes a directory, with what is in it, a file system that can only be read.</summary>
    public static Mount ReadOnly(string directory)
    {
        var mount = new Mount(directory, "--bind", directory);
        Run(["mount", "-o", "remount,bind,ro", directory]);
        return mount;
    }

    /// <summary>An empty file system of so many bytes, in memory.</summary>
    public static Mount OfSize(string directory, long bytes) => new(directory, "-t", "tmpfs", "-o", $"size={bytes}", "tmpfs");

    public void Dispose() => Run(["umount", "--lazy", _path]);

    private static void Run(string[] command)
    {
        using var process = Process.Start(command[0], command[1..]);
        process.WaitForExit();
        Assert.That(process.ExitCode, Is.Zero, string.Join(' ', command));
    }
}
