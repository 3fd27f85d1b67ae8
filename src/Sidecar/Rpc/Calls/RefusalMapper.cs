using Grpc.Core;
using Sidecar.Import.Core;
using Sidecar.Peers.Core;
using Sidecar.Rpc.Statuses;
using Sidecar.Staging.Core;

namespace Sidecar.Rpc.Calls;

/// <summary>Turns the refusals of all handlers into statuses, by <see cref="StatusMap"/>.</summary>
internal sealed class RefusalMapper : ServerInterceptor
{
    protected override async Task<T> AroundAsync<T>(ServerCallContext call, Func<Task<T>> handler)
    {
        try
        {
            return await handler();
        }
        catch (StagingException refusal)
        {
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
