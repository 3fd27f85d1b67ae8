using System.Diagnostics;

namespace Stagectl.Tests.Harness;

/// <summary>Makes files to stage.</summary>
internal static class Disks
{
    public const int Megabyte = 1 << 20;

    /// <summary>A file of noise.</summary>
    public static byte[] Noise(string path, int bytes)
    {
        var noise = new byte[bytes];
        new Random(bytes).NextBytes(noise);
        File.WriteAllBytes(path, noise);
        return noise;
    }

    /// <summary>A real qcow2 of a 16 MiB disk with data at both ends.</summary>
    public static string Qcow2(this TempDirectory directory)
    {
        var raw = new byte[16 * Megabyte];
        new Random(1).NextBytes(raw.AsSpan(0, Megabyte));
        new Random(2).NextBytes(raw.AsSpan(15 * Megabyte));
        File.WriteAllBytes(directory["disk.raw"], raw);
        Run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", directory["disk.raw"], directory["disk.qcow2"]);
        return directory["disk.qcow2"];
    }

    private static void Run(string program, params string[] arguments)
    {
        using var process = Programs.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true });
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0) throw new InvalidOperationException($"{program}: {error}");
    }
}
