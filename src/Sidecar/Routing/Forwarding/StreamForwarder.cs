using Grpc.Core;
using Microsoft.Extensions.Options;
using Sidecar.Peers.Calls;
using Sidecar.Peers.Core;
using Sidecar.Peers.Membership;
using Sidecar.Routing.Core;

namespace Sidecar.Routing.Forwarding;

/// <summary>
/// Passes a stream of the owner on to the caller. A connection that breaks in mid-stream (the owner was killed, cut
/// off or frozen) is made again, until <c>Peers:ReattachTimeout</c> has passed since it broke. It is always the same
/// owner: what it has begun must not be begun by another pod as well, unless the owner itself says that it has
/// nothing of the kind any more.
/// </summary>
internal sealed class StreamForwarder(
    Forwarder forwarder, PeerDirectory directory, ForwardingMetrics metrics, IOptions<PeersOptions> options,
    TimeProvider clock, ILogger<StreamForwarder> logger)
{
    // A daemon that is restarted needs some 200 ms.
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private readonly TimeSpan _limit = options.Value.ReattachTimeout;

    /// <param name="open">Opens the stream, where it stands.</param>
    /// <param name="take">Takes one message; the next is read when it is done.</param>
    /// <param name="isComplete">Nothing more is to come: a break hurts nobody.</param>
    /// <exception cref="PeerException">OwnerUnreachable before the first message, OwnerLost after it.</exception>
    /// <exception cref="RpcException">What the owner answered.</exception>
    public async Task CopyAsync<T>(
        StreamedCall stream, Peer owner, Func<Peer, CallOptions, Task<AsyncServerStreamingCall<T>>> open,
        Func<T, Task> take, Func<bool> isComplete)
    {
        for (var again = true; ; again = false)
        {
            var started = clock.GetTimestamp();
            try
            {
                await AttemptAsync(stream, owner, open, take);
                return;
            }
            catch (RpcException failure) when (Refusal.IsBroken(failure, stream.Caller))
            {
                if (isComplete()) return;
                var fast = clock.GetElapsedTime(started) < options.Value.ConnectTimeout;
                if (stream.Attached) await PauseAsync(stream, owner, failure);
                else if (!again || !fast) throw Forwarder.Unreachable(owner, failure);
                // A pod that was moved to another node is back under another address.
                owner = directory.Find(owner.Name) ?? owner;
            }
            catch (RpcException refusal)
            {
                throw Refusal.PassOn(refusal);
            }
        }
    }

    private async Task AttemptAsync<T>(
        StreamedCall stream, Peer owner, Func<Peer, CallOptions, Task<AsyncServerStreamingCall<T>>> open,
        Func<T, Task> take)
    {
        using var attempt = CancellationTokenSource.CreateLinkedTokenSource(stream.Caller.CancellationToken);
        // A frozen process still accepts connections, as the kernel does it.
        if (stream.IsBroken) attempt.CancelAfter(stream.Left(_limit, clock));
        using var call = await open(owner, forwarder.Options(stream.Caller, attempt.Token));
        while (await call.ResponseStream.MoveNext(CancellationToken.None))
        {
            if (stream.Reached())
            {
                attempt.CancelAfter(Timeout.InfiniteTimeSpan);
                metrics.Reattached();
                RoutingLog.Reattached(logger, stream.Method, stream.Subject.ToString(), owner.Name);
            }

            await take(call.ResponseStream.Current);
        }
    }

    private async Task PauseAsync(StreamedCall stream, Peer owner, RpcException failure)
    {
        if (!stream.IsBroken)
        {
            RoutingLog.Reattaching(
                logger, stream.Method, stream.Subject.ToString(), owner.Name, _limit.TotalSeconds, Refusal.Why(failure));
        }

        stream.Broke(clock);
        var left = stream.Left(_limit, clock);
        if (left == TimeSpan.Zero) throw Lost(stream, owner, failure);
        await Task.Delay(left < Pause ? left : Pause, clock, stream.Caller.CancellationToken);
    }

    private static PeerException Lost(StreamedCall stream, Peer owner, RpcException failure) => new(
        PeerError.OwnerLost,
        $"The connection to pod {owner.Name} broke and could not be made again ({Refusal.Explain(failure)}). "
        + stream.Consequence,
        failure,
        ("owner", owner.Name), (stream.Subject.IsImport ? "import_id" : "image_id", stream.Subject.Id),
        ("retry_after_seconds", Forwarder.RetryAfterSeconds));
}
