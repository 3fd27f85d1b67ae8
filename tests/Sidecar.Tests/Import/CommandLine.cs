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
}
