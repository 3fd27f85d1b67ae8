using System.Diagnostics;
using Grpc.Core;
using Sidecar.Peers.Calls;
using Sidecar.Peers.Core;
using Sidecar.Peers.Membership;
using Sidecar.Routing.Core;
using Sidecar.Routing.Locating;
using Sidecar.Telemetry;

namespace Sidecar.Routing.Forwarding;

/// <summary>Asks one peer on behalf of a caller; counts and logs it, and remembers the owner, or forgets it.</summary>
internal sealed class OwnerCalls(
    PeerDirectory directory, OwnerMemory memory, ForwardingMetrics metrics, ILogger<OwnerCalls> logger)
{
    /// <param name="found">How the peer was found, for the metrics.</param>
    public async Task<T> AskAsync<T>(RoutedCall route, Peer owner, string found, Func<Peer, Task<T>> there)
    {
        var started = Stopwatch.GetTimestamp();
        var result = StatusCode.Cancelled.Reason();
        try
        {
            var answer = await there(owner);
            result = StatusCode.OK.Reason();
            Keep(route, owner, found);
            return answer;
        }
        catch (RpcException failure)
        {
            result = failure.StatusCode.Reason();
            if (Refusal.IsNotThere(failure)) Forget(route, owner);
            else Keep(route, owner, found);
            throw;
        }
        catch (PeerException failure)
        {
            result = failure.Error.Reason();
            if (failure.Error is PeerError.OwnerUnreachable or PeerError.OwnerLost) directory.Suspect(owner);
            throw;
        }
        finally
        {
            metrics.Forwarded(route.Method, result);
            RoutingLog.Forwarded(
                logger, route.Method, route.Subject.ToString(), owner.Name, result,
                (long)Stopwatch.GetElapsedTime(started).TotalMilliseconds, route.RequestId);
        }
    }

    private void Keep(RoutedCall route, Peer owner, string found)
    {
        metrics.Located(found);
        memory.Remember(route.Subject, owner.Name);
        if (route.Import is { } import) memory.Remember(import, owner.Name);
    }

    private void Forget(RoutedCall route, Peer owner)
    {
        memory.Forget(route.Subject, owner.Name);
        if (route.Import is { } import) memory.Forget(import, owner.Name);
    }
}
