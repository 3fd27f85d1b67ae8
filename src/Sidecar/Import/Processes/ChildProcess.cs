using System.ComponentModel;
using System.Diagnostics;
using Sidecar.Import.Processes.Confinement;

namespace Sidecar.Import.Processes;

/// <summary>A program of an import and what bounds it, started as one process.</summary>
/// <param name="hasNamespace">Whether that process is not the program, but waits for the first one of the program's namespace.</param>
internal sealed class ChildProcess(bool hasNamespace) : Process
{
    // Stopping takes no time; a process that waits for a disk stops when it goes on.
    private static readonly TimeSpan StopTime = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Kills it with all that it started; one that ended meanwhile is left alone. When the process has ended, everything has.
    /// </summary>
    public void KillAll()
    {
        try
        {
            if (!hasNamespace || !KillNamespace()) Kill(entireProcessTree: true);
        }
        catch (Exception failure) when (failure is InvalidOperationException or Win32Exception or AggregateException)
        {
            // It, or one of its children, ended between the look at it and the signal, or is just being reaped.
        }
    }

    /// <summary>
    /// The kernel ends a namespace with its first process, and that process after all others: so unshare, which waits for it, tells
    /// by its end that nothing is left. Killed itself it would leave that open, and an orphan to nobody who reaps it where the
    /// daemon is the first process of a container.
    /// </summary>
    /// <returns>False when there is no namespace yet, nor will be: unshare stands still.</returns>
    private bool KillNamespace()
    {
        if (HasExited || KillFirst()) return true;
        // unshare may fork between the look and its own death, and the fork would outlive both. Stopped it cannot, so the
        // second look is right: either the fork was before, or it never comes.
        _ = LinuxCalls.Send(Id, LinuxCalls.SignalStop);
        SpinWait.SpinUntil(() => ProcessFamily.StandsStill(Id), StopTime);
        if (!KillFirst()) return false;
        _ = LinuxCalls.Send(Id, LinuxCalls.SignalContinue);
        return true;
    }

    private bool KillFirst() => ProcessFamily.ChildOf(Id) is { } first && LinuxCalls.Send(first, LinuxCalls.SignalKill);
}
