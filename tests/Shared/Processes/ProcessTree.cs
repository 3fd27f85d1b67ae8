using System.Globalization;

namespace Testing;

/// <summary>What a process started, as far as it runs: processes and threads may end while they are looked at.</summary>
internal static class ProcessTree
{
    /// <summary>Its children, theirs, and so on, parents first.</summary>
    public static IReadOnlyList<int> Descendants(int processId)
    {
        List<int> found = [.. Children(processId)];
        for (var next = 0; next < found.Count; next++) found.AddRange(Children(found[next]));
        return found;
    }

    private static IEnumerable<int> Children(int processId) => Threads(processId).SelectMany(ChildrenOf);

    private static string[] Threads(int processId)
    {
        try
        {
            return Directory.GetDirectories(string.Create(CultureInfo.InvariantCulture, $"/proc/{processId}/task"));
        }
        catch (IOException)
        {
            return []; // the process has ended
        }
    }

    private static IEnumerable<int> ChildrenOf(string thread)
    {
        try
        {
            return File.ReadAllText(Path.Combine(thread, "children"))
                .Split(' ', StringSplitOptions.RemoveEmptyEntries)
                .Select(child => int.Parse(child, CultureInfo.InvariantCulture));
        }
        catch (IOException)
        {
            return []; // the thread has ended
        }
    }
}
