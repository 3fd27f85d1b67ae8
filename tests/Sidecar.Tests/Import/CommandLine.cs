using System.Diagnostics;
using NUnit.Framework;

namespace Sidecar.Tests.Import;

/// <summary>Runs the real tools that make and compare images.</summary>
internal static class CommandLine
{
    public static string Run(string program, params string[] arguments) => RunIn("/", program, arguments);

    public static string RunIn(string directory, string program, params string[] arguments)
    {
        var (exitCode, output) = TryRun(directory, program, arguments);
        Assert.That(exitCode, Is.Zero, $"{program} {string.Join(' ', arguments)}: {output}");
        return output;
    }

    public static (int ExitCode, string Output) TryRun(string directory, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = directory, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + errors.Result);
    }

    /// <summary>
    /// Whether a process has ended. A grandchild may wait for whoever adopted it to notice, and be a zombie so long.
    /// </summary>
    public static bool IsGone(string processId)
    {
        var status = $"/proc/{processId.Trim()}/status";
        return SpinWait.SpinUntil(() => !IsRunning(status), TimeSpan.FromSeconds(10));
    }

    private static bool IsRunning(string status)
    {
        try
        {
            return !File.ReadLines(status).Any(line => line.StartsWith("State:\tZ") || line.StartsWith("State:\tX"));
        }
        catch (IOException)
        {
            return false;
        }
    }
}
