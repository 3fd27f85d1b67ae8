using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace Sidecar.Hosting.Listening;

/// <summary>
/// Kestrel's sockets, of which those above the <see cref="DescriptorBudget"/> are closed where they are accepted. Whatever
/// looks at a connection later runs on the pool, and a burst could be accepted in whole before it gets its turn.
/// </summary>
internal sealed class BudgetedTransport(SocketTransportFactory sockets, DescriptorBudget budget) : IConnectionListenerFactory
{
    public async ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
        new Listener(await sockets.BindAsync(endpoint, cancellationToken), budget);

    private sealed class Listener(IConnectionListener inner, DescriptorBudget budget) : IConnectionListener
    {
        public EndPoint EndPoint => inner.EndPoint;

        /// <summary>Whoever runs the connection gives its descriptor back to the budget.</summary>
        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            while (await inner.AcceptAsync(cancellationToken) is { } connection)
            {
                if (budget.TryTake()) return connection;
                connection.Abort(new ConnectionAbortedException("There are no file descriptors left for connections."));
                await connection.DisposeAsync();
            }

            return null;
        }

        public ValueTask UnbindAsync(CancellationToken cancellationToken = default) => inner.UnbindAsync(cancellationToken);

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
