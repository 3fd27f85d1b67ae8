using System.Globalization;

namespace Sidecar.Import.Processes.Confinement;

/// <summary>Which process started which, as /proc tells it; a namespace of a child's own does not change what /proc names.</summary>
internal static class ProcessFamily
{
    private const string Proc = "/proc";

    // Of /proc/*/stat, behind the name.
    private const int State = 0;
    private const int Parent = 1;

    /// <summary>The process that is so many generations above this one; null where /proc does not tell.</summary>
    public static int? AncestorOfSelf(int generations)
    {
        var process = "self";
        for (var i = 0; i < generations; i++)
        {
            if (Read(process) is not { } fields) return null;
            process = fields[Parent];
        }

        return int.Parse(process, CultureInfo.InvariantCulture);
    }

    /// <summary>A process that the given one started and that has not been waited for.</summary>
    public static int? ChildOf(int processId)
    {
        var parent = processId.ToString(CultureInfo.InvariantCulture);
        foreach (var directory in Directory.EnumerateDirectories(Proc))
        {
            var name = Path.GetFileName(directory);
            if (int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var child)
                && Read(name) is { } fields && fields[Parent] == parent)
            {
                return child;
            }
        }

        return null;
    }

    /// <summary>Whether it is stopped, or has ended.</summary>
    public static bool StandsStill(int processId) =>
        Read(processId.ToString(CultureInfo.InvariantCulture)) is not { } fields || fields[State] is "T" or "t" or "Z" or "X";

    private static string[]? Read(string process)
    {
        try
        {
            var line = File.ReadAllText($"{Proc}/{process}/stat");
            // The name, in parentheses, may hold anything.
            return line[(line.LastIndexOf(')') + 2)..].Split(' ');
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
