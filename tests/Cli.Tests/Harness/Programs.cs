using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;

namespace Stagectl.Tests.Harness;

/// <summary>Starts the programs that the tests are about.</summary>
internal static partial class Programs
{
    public const int SigInt = 2;
    public const int SigTerm = 15;

    public static Process Start(string name, IEnumerable<string> arguments, params (string Name, string Value)[] environment)
    {
        var command = Command(name);
        var start = new ProcessStartInfo(command[0], [.. command[1..], .. arguments])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        foreach (var (variable, value) in environment) start.Environment[variable] = value;
        return Start(start);
    }

    /// <summary>
    /// The words that start a program: the one that <c>TEST_SIDECAR</c> or <c>TEST_STAGECTL</c> names, as it ships,
    /// else the one that was built together with the tests.
    /// </summary>
    public static string[] Command(string name) =>
        Environment.GetEnvironmentVariable("TEST_" + name.ToUpperInvariant()) is { Length: > 0 } shipped
            ? [shipped]
            : ["dotnet", PathOf(name)];

    public static Process Start(ProcessStartInfo start) =>
        Process.Start(start) ?? throw new InvalidOperationException($"{start.FileName} did not start.");

    public static void Signal(this Process process, int signal)
    {
        if (Kill(process.Id, signal) != 0) throw new InvalidOperationException($"Process {process.Id} is gone.");
    }

    private static string PathOf(string assembly) => typeof(Programs).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(metadata => metadata.Key == assembly).Value!;

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
