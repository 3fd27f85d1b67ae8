using System.Collections.Concurrent;
using System.Diagnostics;

namespace Sidecar.Import.Processes;

/// <summary>
/// Starts child processes, all from one thread that lives as long as the daemon: the kernel sends the signal of
/// <c>setpriv --pdeathsig</c> when the <em>thread</em> that forked the child ends, and pool threads end at any time.
/// </summary>
internal sealed class LauncherThread : IDisposable
{
    private readonly BlockingCollection<(Process Process, TaskCompletionSource Started)> _requests = [];
    private readonly Thread _thread;

    public LauncherThread()
    {
        _thread = new Thread(Run) { IsBackground = true, Name = "child launcher" };
        _thread.Start();
    }

    /// <summary>Completes when the process runs, or faults with what <see cref="Process.Start()"/> threw.</summary>
    public Task StartAsync(Process process)
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _requests.Add((process, started));
        return started.Task;
    }

    /// <summary>Ends the thread, and with it every child that still runs.</summary>
    public void Dispose()
    {
        _requests.CompleteAdding();
        _thread.Join();
        _requests.Dispose();
    }

    private void Run()
    {
        foreach (var (process, started) in _requests.GetConsumingEnumerable())
        {
            try
            {
                process.Start();
                started.SetResult();
            }
#pragma warning disable CA1031 // Whatever it was belongs to the caller; this thread must live on.
            catch (Exception failure)
            {
                started.SetException(failure);
            }
#pragma warning restore CA1031
        }
    }
}
