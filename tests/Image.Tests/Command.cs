using System.Diagnostics;
using NUnit.Framework;

namespace Image.Tests;

/// <summary>Runs programs to their end.</summary>
internal static class Command
{
    // Building everything in a container takes its time.
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(30);

    /// <summary>What it wrote to standard output; anything but success fails the test with all that it wrote.</summary>
    public static async Task<string> RunAsync(params string[] command)
    {
        var (exitCode, output, error) = await TryAsync(command);
        Assert.That(exitCode, Is.Zero, $"{string.Join(' ', command)}\n{output}\n{error}");
        return output.Trim();
    }

    public static async Task<(int ExitCode, string Output, string Error)> TryAsync(params string[] command)
    {
        using var process = Start(command);
        process.StandardInput.Close();
        using var deadline = new CancellationTokenSource(Limit);
        var output = process.StandardOutput.ReadToEndAsync(deadline.Token);
        var error = process.StandardError.ReadToEndAsync(deadline.Token);
        try
        {
            await process.WaitForExitAsync(deadline.Token);
            return (process.ExitCode, await output, await error);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new AssertionException($"{string.Join(' ', command)} did not end in {Limit}.");
        }
    }

    public static Process Start(params string[] command)
    {
        var start = new ProcessStartInfo(command[0], command[1..])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        return Process.Start(start)!;
    }
}
