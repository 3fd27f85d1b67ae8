using Microsoft.AspNetCore.Connections;

namespace Sidecar.Hosting.Listening;

/// <summary>What happens when a listener has as many connections as it may have, and another one comes.</summary>
internal enum WhenFull
{
    /// <summary>It is closed at once: those that are there may be hours into an upload.</summary>
    RefuseNew,

    /// <summary>
    /// The oldest one is closed. Where anybody may connect, somebody who holds all of them must not keep the kubelet out,
    /// which would have the pod killed; its own connections last no longer than a question.
    /// </summary>
    CloseOldest,
}

/// <summary>Bounds the connections of one listener; Kestrel's own limit is for all of them together.</summary>
internal sealed class ConnectionLimit(
    ListenerRole role, int most, WhenFull whenFull, HostingMetrics metrics, ILogger logger)
{
    private readonly Lock _lock = new();
    private readonly LinkedList<ConnectionContext> _open = [];
    private bool _isFull;

    public async Task RunAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        var entry = Enter(connection, out var closed);
        closed?.Abort(new ConnectionAbortedException("The listener has too many connections."));
        if (entry is null) return; // Kestrel closes what this returns from
        try
        {
            await next(connection);
        }
        finally
        {
            Leave(entry);
        }
    }

    // Null when it may not enter.
    private LinkedListNode<ConnectionContext>? Enter(ConnectionContext connection, out ConnectionContext? closed)
    {
        lock (_lock)
        {
            closed = null;
            if (_open.Count >= most)
            {
                NoteFull();
                closed = whenFull == WhenFull.CloseOldest ? _open.First!.Value : connection;
                if (closed == connection) return null;
                _open.RemoveFirst(); // its own Leave comes later, and finds it gone
            }

            return _open.AddLast(connection);
        }
    }

    private void Leave(LinkedListNode<ConnectionContext> entry)
    {
        lock (_lock)
        {
            if (entry.List is not null) _open.Remove(entry);
            if (_open.Count <= most / 2) _isFull = false;
        }
    }

    // Logged once until half of them are gone: a flood must not flood the log.
    private void NoteFull()
    {
        metrics.ConnectionClosed(role);
        if (_isFull) return;
        _isFull = true;
        HostingLog.ListenerFull(logger, role, most);
    }
}
