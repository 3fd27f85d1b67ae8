using System.Diagnostics;

namespace Grpc.Tests.Interop;

/// <summary>Runs programs that the tests did not build.</summary>
internal static class ForeignCommand
{
    /// <summary>The Python that sees the distribution's packages, whatever else is first in the path.</summary>
    public const string Python = "/usr/bin/python3";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    public static Process Start(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        return Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start.");
    }

    /// <summary>The program's output; fails with what it said when it fails.</summary>
    public static async Task<string> RunAsync(string program, params string[] arguments)
    {
        using var process = Start(program, arguments);
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            process.StandardInput.Close();
            var errors = process.StandardError.ReadToEndAsync(patience.Token);
            var output = await process.StandardOutput.ReadToEndAsync(patience.Token);
            await process.WaitForExitAsync(patience.Token);
            return process.ExitCode == 0
                ? output
                : throw new InvalidOperationException(
                    $"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}: {await errors}");
        }
        finally
        {
            if (!process.HasExited)
                process.Kill();
        }
    }
}
