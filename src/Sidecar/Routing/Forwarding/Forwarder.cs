using Grpc.Core;
using Microsoft.Extensions.Options;
using Sidecar.Peers.Calls;
using Sidecar.Peers.Core;
using Sidecar.Peers.Membership;

namespace Sidecar.Routing.Forwarding;

/// <summary>
/// Makes calls of peers on behalf of callers. A caller's deadline, cancellation, trace context and request ids pass
/// through, and so does the owner's status. What is the connection's fault is told as such, with the owner's name.
/// </summary>
internal sealed class Forwarder(ForwardMark mark, IOptions<PeersOptions> options, TimeProvider clock)
{
    /// <summary>A pod that was killed is back after about this time.</summary>
    public const int RetryAfterSeconds = 5;

    public CallOptions Options(ServerCallContext caller) => Options(caller, caller.CancellationToken);

    /// <param name="cancellationToken">Fires when the caller gives up, or earlier.</param>
    public CallOptions Options(ServerCallContext caller, CancellationToken cancellationToken) => new(
        mark.Metadata(caller), caller.Deadline == DateTime.MaxValue ? null : caller.Deadline, cancellationToken);

    /// <summary>Asks the owner, once.</summary>
    /// <param name="again">
    /// The call may be repeated: when its connection turns out to be a dead one it is made again, once, on a new one.
    /// </param>
    /// <exception cref="PeerException"><see cref="PeerError.OwnerUnreachable"/>.</exception>
    /// <exception cref="RpcException">What the owner answered.</exception>
    public async Task<T> AskAsync<T>(
        Peer owner, ServerCallContext caller, bool again, Func<CallOptions, AsyncUnaryCall<T>> call)
    {
        while (true)
        {
            var started = clock.GetTimestamp();
            try
            {
                return await call(Options(caller));
            }
            catch (RpcException failure) when (Refusal.IsBroken(failure, caller))
            {
                // A dead connection shows at once. What took longer was spent waiting for a pod that does not answer.
                if (!again || clock.GetElapsedTime(started) >= options.Value.ConnectTimeout) throw Unreachable(owner, failure);
                again = false;
            }
            catch (RpcException refusal)
            {
                throw Refusal.PassOn(refusal);
            }
        }
    }

    public static PeerException Unreachable(Peer owner, RpcException failure) => new(
        PeerError.OwnerUnreachable,
        $"Pod {owner.Name} has it and does not answer ({Refusal.Explain(failure)}). Try again when it is back.",
        failure,
        ("owner", owner.Name), ("retry_after_seconds", RetryAfterSeconds));
}
