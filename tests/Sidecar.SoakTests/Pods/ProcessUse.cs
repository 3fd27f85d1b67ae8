using System.Globalization;

namespace Sidecar.SoakTests.Pods;

/// <summary>What a process holds.</summary>
internal readonly record struct ProcessUse(long ResidentBytes, int Descriptors)
{
    public static ProcessUse Of(int processId)
    {
        var line = File.ReadLines($"/proc/{processId}/status").First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        var kibibytes = long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture);
        return new ProcessUse(kibibytes << 10, Directory.GetFileSystemEntries($"/proc/{processId}/fd").Length);
    }

    public override string ToString() => $"{ResidentBytes >> 20} MiB, {Descriptors} descriptors";
}
