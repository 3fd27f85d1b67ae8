using System.Globalization;
using Glance.Tests.Harness.Servers;

namespace Glance.Tests.Bench;

/// <summary>What a site's first pod uses: its glance-api and its sidecar together, with the programs that they run.</summary>
internal sealed class PodProcesses(Site site)
{
    public const double TicksPerSecond = 100; // of /proc, whatever the kernel's own clock

    private const double MiB = 1 << 20;

    /// <summary>Seconds of CPU so far, those of programs that ended included.</summary>
    public double CpuSeconds() => Started().Sum(CpuSeconds);

    /// <summary>What all of them have in memory now, in MiB.</summary>
    public double ResidentMiB() => Started().SelectMany(each => (int[])[each, .. ProcessTree.Descendants(each)]).Distinct().Sum(ResidentMiB);

    /// <summary>The most that the sidecar alone had in memory since <see cref="ForgetPeak"/>, in MiB.</summary>
    public double SidecarPeakMiB()
    {
        var peak = File.ReadLines(Of(site.Sidecars[0].ProcessId, "status")).First(line => line.StartsWith("VmHWM:", StringComparison.Ordinal));
        return double.Parse(peak.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;
    }

    // proc(5), clear_refs: 5 sets the peak to what is in memory now.
    public void ForgetPeak() => File.WriteAllText(Of(site.Sidecars[0].ProcessId, "clear_refs"), "5");

    private List<int> Started() => site.WithSidecar ? [.. site[0].Processes, site.Sidecars[0].ProcessId] : [.. site[0].Processes];

    private static double ResidentMiB(int processId)
    {
        try
        {
            var pages = File.ReadAllText(Of(processId, "statm")).Split(' ')[1];
            return double.Parse(pages, CultureInfo.InvariantCulture) * Environment.SystemPageSize / MiB;
        }
        catch (IOException)
        {
            return 0; // it has ended
        }
    }

    private static double CpuSeconds(int processId)
    {
        var stat = File.ReadAllText(Of(processId, "stat"));
        // utime, stime, and both of children that ended: fields 14 to 17; the name before them may hold spaces.
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return fields[11..15].Sum(field => double.Parse(field, CultureInfo.InvariantCulture)) / TicksPerSecond;
    }

    private static string Of(int processId, string file) => string.Create(CultureInfo.InvariantCulture, $"/proc/{processId}/{file}");
}
