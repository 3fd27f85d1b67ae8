using System.Globalization;
using NUnit.Framework;

namespace Sidecar.FunctionalTests.Infrastructure;

/// <summary>Processes that cannot even be killed, as those that wait for a disk: in a frozen cgroup of the first version.</summary>
internal sealed class Freezer : IDisposable
{
    private const string Root = "/sys/fs/cgroup/freezer";

    private readonly string _group = Path.Combine(Root, "sidecar-" + Guid.NewGuid().ToString("N"));

    private Freezer()
    {
    }

    /// <summary>Freezes all descendants of a process.</summary>
    public static Freezer OfChildren(int processId)
    {
        if (!Directory.Exists(Root)) Assert.Ignore("This machine has no freezer; later cgroups let frozen processes be killed.");
        var freezer = new Freezer();
        Directory.CreateDirectory(freezer._group);
        foreach (var child in ProcessTree.Descendants(processId))
        {
            File.WriteAllText(Path.Combine(freezer._group, "cgroup.procs"), child.ToString(CultureInfo.InvariantCulture));
        }

        freezer.Set("FROZEN");
        return freezer;
    }

    public void Dispose()
    {
        Set("THAWED");
        foreach (var process in File.ReadAllLines(Path.Combine(_group, "cgroup.procs")))
        {
            try
            {
                using var left = System.Diagnostics.Process.GetProcessById(int.Parse(process, CultureInfo.InvariantCulture));
                left.Kill();
                left.WaitForExit();
            }
            catch (ArgumentException)
            {
                // It was killed before, and is gone now.
            }
        }

        Directory.Delete(_group);
    }

    private void Set(string state) => File.WriteAllText(Path.Combine(_group, "freezer.state"), state);
}
