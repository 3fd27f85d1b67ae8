using System.Threading.Channels;
using Grpc.Health.V1;

namespace Grpc.HealthCheck;

/// <summary>One caller's wait for changes. A slow one misses what is out of date, never the latest.</summary>
internal sealed class HealthWatch(string service)
{
    private readonly Channel<HealthCheckResponse.Types.ServingStatus> _news =
        Channel.CreateBounded<HealthCheckResponse.Types.ServingStatus>(
            new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest });

    public string Service => service;

    public void Tell(HealthCheckResponse.Types.ServingStatus status) => _news.Writer.TryWrite(status);

    /// <summary>The status now and after each change; the same status is not repeated.</summary>
    public async IAsyncEnumerable<HealthCheckResponse.Types.ServingStatus> ReadAllAsync(
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        HealthCheckResponse.Types.ServingStatus? last = null;
        await foreach (var status in _news.Reader.ReadAllAsync(cancellationToken))
        {
            if (status == last)
                continue;

            last = status;
            yield return status;
        }
    }
}
