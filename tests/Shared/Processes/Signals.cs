using System.Diagnostics;

namespace Testing;

/// <summary>Signals to other processes.</summary>
internal static class Signals
{
    private static readonly TimeSpan StopDeadline = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Sends a signal, such as KILL. After STOP it returns when the process stands still: the kernel only marks it, and a
    /// thread that runs, or that is woken meanwhile on another processor, may still answer a call.
    /// </summary>
    public static void Send(string name, int processId)
    {
        using (var kill = Process.Start("kill", ["-" + name, $"{processId}"])) kill.WaitForExit();
        if (name == "STOP" && !SpinWait.SpinUntil(() => StandsStill(processId), StopDeadline))
        {
            throw new TimeoutException($"Process {processId} did not stop.");
        }
    }

    private static bool StandsStill(int processId) =>
        Directory.EnumerateDirectories($"/proc/{processId}/task").All(task => StateOf(task) is 'T' or 't' or 'Z');

    private static char StateOf(string task)
    {
        try
        {
            var line = File.ReadAllText(Path.Combine(task, "stat"));
            return line[line.LastIndexOf(')') + 2]; // the name in parentheses may hold anything
        }
        catch (IOException) // the thread has ended
        {
            return 'Z';
        }
    }
}
