using System.Globalization;

namespace Sidecar.Import.Processes.Limits;

/// <summary>How much memory this process and its children may take together.</summary>
internal static class MachineMemory
{
    /// <summary>The least of what this cgroup and those above it allow (both versions), and of what the machine has.</summary>
    public static long ReadLimit(string root = "/")
    {
        var limit = MachineBytes(root);
        foreach (var directory in CgroupsOf(root))
        {
            foreach (var file in (string[])["memory.max", "memory.limit_in_bytes"])
            {
                if (TryRead(Path.Combine(directory, file)) is { } text
                    && long.TryParse(text.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var bytes))
                {
                    limit = Math.Min(limit, bytes);
                }
            }
        }

        return limit;
    }

    // Of the runtime's own numbers, some are what its heap may have.
    private static long MachineBytes(string root)
    {
        var line = (TryRead(Path.Combine(root, "proc/meminfo")) ?? "").Split('\n')
            .FirstOrDefault(line => line.StartsWith("MemTotal:", StringComparison.Ordinal));
        return line?.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [_, var kilobytes, ..]
            && long.TryParse(kilobytes, CultureInfo.InvariantCulture, out var value)
            ? value << 10 : GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
    }

    /// <summary>This cgroup and those above it; in a container the path may be the host's, and only the top is there.</summary>
    private static IEnumerable<string> CgroupsOf(string root)
    {
        var mount = Path.Combine(root, "sys/fs/cgroup");
        foreach (var line in (TryRead(Path.Combine(root, "proc/self/cgroup")) ?? "").Split('\n'))
        {
            if (line.Split(':', 3) is not [_, var controllers, var path]) continue;
            if (controllers.Length > 0 && !controllers.Split(',').Contains("memory")) continue;
            var top = controllers.Length > 0 ? Path.Combine(mount, "memory") : mount;
            for (var at = path.TrimEnd('/'); at.Length > 0; at = at[..Math.Max(0, at.LastIndexOf('/'))]) yield return top + at;
            yield return top;
        }
    }

    private static string? TryRead(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
