using System.Diagnostics;

namespace Sidecar.FunctionalTests.Infrastructure;

/// <summary>Lets system calls of a running daemon fail, as strace injects it. Detached when disposed.</summary>
internal sealed class Strace : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Process _process;

    private Strace(Process process) => _process = process;

    /// <param name="injection">As strace's <c>--inject</c> takes it, such as <c>fsync:error=EIO:when=1</c>.</param>
    /// <remarks>
    /// Not while the daemon starts a program, as it does at its start to see how those can be confined: the thread that forks waits
    /// for its child, the child for strace, and strace for that thread, for ever.
    /// </remarks>
    /// <param name="path">Only calls on this file or directory; null: on any.</param>
    public static async Task<Strace> AttachAsync(
        SidecarInstance sidecar, string injection, CancellationToken cancellationToken, string? path = null)
    {
        await sidecar.LoggedAsync("Programs of imports are confined by", cancellationToken);
        string[] arguments = [.. Arguments(injection, path), "-p", $"{sidecar.ProcessId}"];
        var start = new ProcessStartInfo("strace", arguments) { RedirectStandardError = true };
        var strace = new Strace(Process.Start(start)!);
        // "Process N attached with M threads": from then on every call of every thread is seen.
        var attached = await strace._process.StandardError.ReadLineAsync(cancellationToken);
        if (attached?.Contains(" attached", StringComparison.Ordinal) != true)
        {
            throw new InvalidOperationException($"strace did not attach: {attached}");
        }

        _ = strace._process.StandardError.ReadToEndAsync(CancellationToken.None);
        return strace;
    }

    /// <summary>A command before that of the daemon: its calls fail from its start on. The process stays the daemon's.</summary>
    public static string[] Launcher(string injection, string path) => ["strace", "-D", .. Arguments(injection, path)];

    private static string[] Arguments(string injection, string? path) =>
    [
        "-f", "-e", $"trace={injection.Split(':')[0]}", "-e", $"inject={injection}", "-o", "/dev/null",
        .. path is null ? Array.Empty<string>() : ["-P", path],
    ];

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            using var interrupt = Process.Start("kill", ["-INT", $"{_process.Id}"]);
            interrupt.WaitForExit();
        }

        // One that hangs lets go of the daemon when it is killed, and the test go on to say what failed.
        if (!_process.WaitForExit(Patience)) _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }
}
