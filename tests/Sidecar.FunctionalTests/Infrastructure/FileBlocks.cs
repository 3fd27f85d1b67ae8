using System.Diagnostics;
using System.Globalization;

namespace Sidecar.FunctionalTests.Infrastructure;

/// <summary>What a file takes on its volume, which .NET does not tell.</summary>
internal static class FileBlocks
{
    /// <summary>Bytes that a file takes on its volume; holes take none.</summary>
    public static async Task<long> AllocatedAsync(string path)
    {
        using var stat = Process.Start(new ProcessStartInfo("stat", ["-c", "%b", path]) { RedirectStandardOutput = true })!;
        var blocks = await stat.StandardOutput.ReadToEndAsync();
        await stat.WaitForExitAsync();
        return long.Parse(blocks, CultureInfo.InvariantCulture) * 512;
    }
}
