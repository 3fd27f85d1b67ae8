using Glance.Tests.Harness.Servers;
using NUnit.Framework;

namespace Glance.Tests.Harness.Api;

/// <summary>Stops a pod's glance-api as soon as it has created an image's file in a store.</summary>
internal sealed class StoreUpload : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly FileSystemWatcher _watcher;
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly int _worker;

    /// <summary>From now on. The image must be large, so that it is still being written when the signal arrives.</summary>
    public StoreUpload(Site site, int pod, string store, string id)
    {
        _worker = site[pod].Worker;
        _watcher = new FileSystemWatcher(site.Store(store), id);
        _watcher.Created += (_, _) =>
        {
            Command.Signal("STOP", _worker);
            _stopped.TrySetResult();
        };
        _watcher.EnableRaisingEvents = true;
    }

    /// <summary>Waits until it stands still, in mid-upload.</summary>
    public async Task StoppedAsync(string path, long size)
    {
        await _stopped.Task.WaitAsync(Limit);
        Assert.That(new FileInfo(path).Length, Is.LessThan(size), "it was stopped too late");
    }

    public void GoOn() => Command.Signal("CONT", _worker);

    public void Dispose() => _watcher.Dispose();
}
