using System.Diagnostics;
using NUnit.Framework;

namespace Sidecar.FunctionalTests.Interop;

/// <summary>Runs programs that are not of .NET.</summary>
internal static class ForeignProgram
{
    /// <summary>The Python that sees Debian's grpcio.</summary>
    public const string Python = "/usr/bin/python3";

    /// <summary>A file of the directory <c>foreign</c>.</summary>
    public static string File(params string[] path) => Path.Combine([AppContext.BaseDirectory, "foreign", .. path]);

    /// <summary>What the program prints; it must succeed. It is ended with the test.</summary>
    public static async Task<string> RunAsync(string program, params string[] arguments)
    {
        var deadline = TestContext.CurrentContext.CancellationToken;
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        using var end = deadline.Register(() => process.Kill(entireProcessTree: true));
        var errors = process.StandardError.ReadToEndAsync(deadline);
        var output = await process.StandardOutput.ReadToEndAsync(deadline);
        await process.WaitForExitAsync(deadline);
        Assert.That(
            process.ExitCode, Is.Zero, $"{program} {string.Join(' ', arguments)}\n{output}\n{await errors}");
        return output;
    }
}
