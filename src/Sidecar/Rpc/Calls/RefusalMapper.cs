using Grpc.Core;
using Sidecar.Import.Core;
using Sidecar.Peers.Core;
using Sidecar.Rpc.Statuses;
using Sidecar.Staging.Core;

namespace Sidecar.Rpc.Calls;

/// <summary>Turns the refusals of all handlers into statuses, by <see cref="StatusMap"/>.</summary>
internal sealed class RefusalMapper(ILogger<RefusalMapper> logger) : ServerInterceptor
{
    protected override async Task<T> AroundAsync<T>(ServerCallContext call, Func<Task<T>> handler)
    {
        try
        {
            return await handler();
        }
        catch (StagingException refusal)
        {
            // Its message says what failed; what the machine said names files of the pod.
            if (refusal is { Error: StagingError.DiskFailed, InnerException: not null }) logger.ResourceFailed(refusal, call.Method);
            throw StatusMap.ToRpc(refusal);
        }
        catch (ImportException refusal)
        {
            throw StatusMap.ToRpc(refusal);
        }
        catch (PeerException refusal)
        {
            throw StatusMap.ToRpc(refusal);
        }
    }
}
