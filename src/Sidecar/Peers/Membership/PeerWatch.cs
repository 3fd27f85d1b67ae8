using System.Diagnostics.CodeAnalysis;

namespace Sidecar.Peers.Membership;

/// <summary>Asks one peer again and again, one question at a time, until it is stopped.</summary>
[SuppressMessage("Design", "CA1001", Justification = "The run disposes what is linked; the semaphore holds no handle.")]
internal sealed class PeerWatch
{
    private readonly CancellationTokenSource _stop;
    private readonly SemaphoreSlim _wake = new(0);
    private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private PeerWatch(CancellationToken stopping) =>
        _stop = CancellationTokenSource.CreateLinkedTokenSource(stopping);

    /// <summary>Done when the peer was asked once, or never will be.</summary>
    public Task Asked => _asked.Task;

    /// <summary>Done when it will not be asked any more. Never fails.</summary>
    public Task Ended { get; private set; } = Task.CompletedTask;

    public static PeerWatch Start(
        Func<CancellationToken, Task> ask, TimeSpan interval, CancellationToken stopping)
    {
        var watch = new PeerWatch(stopping);
        watch.Ended = Task.Run(() => watch.RunAsync(ask, interval), CancellationToken.None);
        return watch;
    }

    /// <summary>Asks at once. However often this is called while a question is under way, one more follows it.</summary>
    public void Wake() => _wake.Release();

    public void Stop()
    {
        try
        {
            _stop.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It has ended.
        }
    }

    private async Task RunAsync(Func<CancellationToken, Task> ask, TimeSpan interval)
    {
        var token = _stop.Token;
        try
        {
            while (true)
            {
                while (_wake.CurrentCount > 0) await _wake.WaitAsync(token);
                await ask(token);
                _asked.TrySetResult();
                await _wake.WaitAsync(interval, token);
            }
        }
        catch (Exception) when (token.IsCancellationRequested)
        {
            // Stopped. A question that was under way may end with any failure, such as an RpcException.
        }
        finally
        {
            _asked.TrySetResult();
            // Linked to a token that lives as long as the daemon, it would be kept for every peer that ever was.
            _stop.Dispose();
        }
    }
}
