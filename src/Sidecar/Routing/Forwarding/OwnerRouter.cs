using Grpc.Core;
using Microsoft.Extensions.Options;
using Sidecar.Peers.Calls;
using Sidecar.Peers.Core;
using Sidecar.Peers.Membership;
using Sidecar.Routing.Announcing;
using Sidecar.Routing.Core;
using Sidecar.Routing.Locating;
using Sidecar.Staging.Core;

namespace Sidecar.Routing.Forwarding;

/// <summary>
/// Has a call answered by the owner of its image or import: here when this pod has it, else at the pod that had it
/// last, or that the caller names, or that is found by asking all. The first two are guesses: the pod is asked for
/// the answer itself, and one that says that it has no such thing is wrong. What a peer forwarded is answered from the
/// local table and goes no further.
/// </summary>
internal sealed class OwnerRouter(
    LocalTable local, PeerDirectory directory, Locator locator, OwnerMemory memory, Duplicates duplicates, ForwardMark mark,
    OwnerCalls calls, ForwardingMetrics metrics, IOptions<PeersOptions> options)
{
    // In which a newer copy on another pod may still be heard of, when some peer does not answer.
    private static readonly TimeSpan Grace = TimeSpan.FromMilliseconds(50);

    // A copy that was found may be moved before it is asked for.
    private const int Rounds = 2;

    /// <param name="here">Answers from the local table.</param>
    /// <param name="there">Answers by asking a peer; may be called for one peer after another.</param>
    public async Task<T> RouteAsync<T>(RoutedCall route, Func<Task<T>> here, Func<Peer, Task<T>> there)
    {
        if (mark.IsOn(route.Forwarded, route.Caller))
        {
            if (!IsHere(route)) metrics.ForwardMissed();
            return await here();
        }

        if (!options.Value.Enabled) return await here();
        if (!IsHere(route)) return await ForwardAsync(route, here, there);
        if (NewerCopy(route) is { } newer) return await AtNewerAsync(route, newer, here, there);
        metrics.Located("local");
        return await here();
    }

    private bool IsHere(RoutedCall route) =>
        local.Find(route.Subject) is not null || (route.Import is { } import && local.Attaches(import));

    private Duplicate? NewerCopy(RoutedCall route) =>
        !route.Subject.IsImport && (route.Import is not { } import || !local.Attaches(import))
        && duplicates.TryGet(ImageId.Parse(route.Subject.Id.ToString("D")), out var duplicate) ? duplicate : null;

    private async Task<T> AtNewerAsync<T>(RoutedCall route, Duplicate copy, Func<Task<T>> here, Func<Peer, Task<T>> there)
    {
        if (directory.Find(copy.Newer.Owner) is not { } owner) return await here();
        try
        {
            return await calls.AskAsync(route, owner, "remembered", there);
        }
        catch (RpcException failure) when (Refusal.IsNotThere(failure))
        {
            duplicates.Unmark(copy);
            return await here();
        }
    }

    private async Task<T> ForwardAsync<T>(RoutedCall route, Func<Task<T>> here, Func<Peer, Task<T>> there)
    {
        PeerException? unreachable = null;
        foreach (var (owner, guess) in Guesses(route))
        {
            try
            {
                return await calls.AskAsync(route, owner, guess, there);
            }
            catch (RpcException failure) when (Refusal.IsNotThere(failure))
            {
                // Wrong, or wrong by now.
            }
            catch (PeerException failure) when (failure.Error == PeerError.OwnerUnreachable && MayBeElsewhere(route, guess))
            {
                unreachable = failure;
            }
        }

        for (var round = 1; ; round++)
        {
            // Handed over to this pod meanwhile.
            if (IsHere(route)) return await here();
            var outcome = await locator.AskAllAsync(route.Subject, Grace, route.Caller);
            if (outcome.Owner is not { } owner) throw Nowhere(route, outcome, unreachable);
            memory.Hear(route.Subject, outcome.Copies[0]);
            try
            {
                return await calls.AskAsync(route, owner, "asked", there);
            }
            catch (RpcException failure) when (Refusal.IsNotThere(failure) && round < Rounds)
            {
                // Moved in between.
            }
        }
    }

    private IEnumerable<(Peer Owner, string Guess)> Guesses(RoutedCall route)
    {
        var name = (route.Import is { } import ? memory.Find(import) : null) ?? memory.Find(route.Subject);
        var remembered = name is null ? null : directory.Find(name);
        if (remembered is not null) yield return (remembered, "remembered");
        if (route.Hint.Length > 0 && directory.Find(route.Hint) is { } hinted && hinted != remembered)
        {
            yield return (hinted, "hint");
        }
    }

    // The caller's hint may be old, and reading elsewhere harms nobody. An import might run on two pods.
    private static bool MayBeElsewhere(RoutedCall route, string guess) => guess == "hint" && route.Import is null;

    private Exception Nowhere(RoutedCall route, LocateOutcome outcome, PeerException? unreachable)
    {
        metrics.Located(outcome.Silent.Count > 0 ? "incomplete" : "nowhere");
        if (outcome.Silent.Count == 0) return Locator.NotFound(route.Subject, outcome.Asked);
        return unreachable is not null && outcome.Silent.Contains(unreachable.Facts["owner"])
            ? unreachable
            : Locator.Incomplete(route.Subject, outcome);
    }
}
