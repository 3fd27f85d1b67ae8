using Microsoft.AspNetCore.Connections;

namespace Sidecar.Webhook.Core;

/// <summary>
/// Bounds the connections of one listener by closing the oldest for each that is too many: whoever in the cluster holds all of them
/// must not keep API servers and the kubelet out, whose own last no longer than a question.
/// </summary>
internal sealed class NewestConnections(int most)
{
    private readonly Lock _lock = new();
    private readonly LinkedList<ConnectionContext> _open = [];

    public async Task RunAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        var entry = Enter(connection, out var oldest);
        oldest?.Abort(new ConnectionAbortedException("The listener has too many connections."));
        try
        {
            await next(connection);
        }
        finally
        {
            // One that was made to leave is out of the list already.
            lock (_lock)
            {
                if (entry.List is not null) _open.Remove(entry);
            }
        }
    }

    private LinkedListNode<ConnectionContext> Enter(ConnectionContext connection, out ConnectionContext? oldest)
    {
        lock (_lock)
        {
            oldest = _open.Count >= most ? _open.First!.Value : null;
            if (oldest is not null) _open.RemoveFirst();
            return _open.AddLast(connection);
        }
    }
}
