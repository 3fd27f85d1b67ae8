using System.Globalization;
using NUnit.Framework;

namespace Sidecar.FunctionalTests.Infrastructure;

/// <summary>A cgroup that its processes get no more memory in, as a container has. Needs root.</summary>
internal sealed class MemoryLimit : IDisposable
{
    private const string Root = "/sys/fs/cgroup";

    private readonly string _group;

    /// <summary>Skips the test where nobody may make one.</summary>
    public MemoryLimit(long bytes)
    {
        var isSecond = File.Exists(Path.Combine(Root, "cgroup.controllers"));
        if (!isSecond && !File.Exists(Path.Combine(Root, "memory", "memory.limit_in_bytes")))
        {
            Assert.Ignore("This machine has no cgroups that limit memory.");
        }

        _group = Path.Combine(Root, isSecond ? "" : "memory", "sidecar-" + Guid.NewGuid().ToString("N"));
        if (isSecond) File.WriteAllText(Path.Combine(Root, "cgroup.subtree_control"), "+memory");
        Directory.CreateDirectory(_group);
        File.WriteAllText(
            Path.Combine(_group, isSecond ? "memory.max" : "memory.limit_in_bytes"), bytes.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>Becomes the command that follows, inside.</summary>
    public string[] Launcher => ["sh", "-c", "echo $$ > \"$0\" && exec \"$@\"", Path.Combine(_group, "cgroup.procs")];

    /// <summary>Once its processes have ended.</summary>
    public void Dispose() => Directory.Delete(_group);
}
