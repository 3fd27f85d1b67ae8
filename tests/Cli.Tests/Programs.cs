using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;

namespace Stagectl.Tests;

/// <summary>Starts the programs that were built together with the tests.</summary>
internal static partial class Programs
{
    public const int SigInt = 2;
    public const int SigTerm = 15;

    public static Process Start(string assembly, IEnumerable<string> arguments) => Start(
        new ProcessStartInfo("dotnet", [PathOf(assembly), .. arguments])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        });

    public static Process Start(ProcessStartInfo start) =>
        Process.Start(start) ?? throw new InvalidOperationException($"{start.FileName} did not start.");

    public static void Signal(this Process process, int signal)
    {
        if (Kill(process.Id, signal) != 0) throw new InvalidOperationException($"Process {process.Id} is gone.");
    }

    public static string PathOf(string assembly) => typeof(Programs).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(metadata => metadata.Key == assembly).Value!;

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
