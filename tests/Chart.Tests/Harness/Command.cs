using System.Diagnostics;
using NUnit.Framework;

namespace Chart.Tests.Harness;

/// <summary>Runs a program to its end.</summary>
internal static class Command
{
    public static bool Exists(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
        .Any(directory => directory.Length > 0 && File.Exists(Path.Combine(directory, program)));

    /// <summary>Its standard output; a failure of it is one of the test.</summary>
    public static async Task<string> OutputOfAsync(string program, string[] arguments, string input = "")
    {
        var (exit, output, error) = await RunAsync(new ProcessStartInfo(program, arguments), input);
        Assert.That(exit, Is.Zero, $"{program} {string.Join(' ', arguments)}\n{error}{output}");
        return output;
    }

    public static async Task<(int Exit, string Output, string Error)> RunAsync(
        ProcessStartInfo start, string input = "")
    {
        start.RedirectStandardInput = start.RedirectStandardOutput = start.RedirectStandardError = true;
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        await process.WaitForExitAsync(TestContext.CurrentContext.CancellationToken);
        return (process.ExitCode, await output, await error);
    }
}
