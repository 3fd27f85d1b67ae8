using System.Diagnostics;
using Grpc.Core;
using Microsoft.Extensions.Options;
using Sidecar.Peers.Forwarding;
using Sidecar.Peers.Membership;
using Sidecar.Telemetry;

namespace Sidecar.Peers.Locating;

/// <summary>Asks all peers at once who has an image or an import.</summary>
internal sealed class Locator(
    PeerDirectory directory, ForwardMark mark, ForwardingMetrics metrics, IOptions<PeersOptions> options, TimeProvider clock)
{
    /// <summary>
    /// Returns when all peers answered, or <c>Peers:LocateTimeout</c> has passed, or somebody has it: for an import
    /// at once, as it runs on one pod only; for an image after <paramref name="grace"/>, in which a newer copy on
    /// another pod may still turn up. A peer that is down then costs the grace and not the timeout.
    /// </summary>
    /// <exception cref="PeerException"><see cref="PeerError.LocateIncomplete"/>: the peers are not known yet.</exception>
    public async Task<LocateOutcome> AskAllAsync(Subject subject, TimeSpan grace, ServerCallContext caller)
    {
        var started = Stopwatch.GetTimestamp();
        using var limit = new CancellationTokenSource(options.Value.LocateTimeout, clock);
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, caller.CancellationToken);
        await WaitForMembersAsync(subject, waiting.Token);
        var peers = directory.Peers;
        var copies = new List<(Peer Peer, Copy Copy)>();
        var silent = new List<string>();
        await foreach (var answered in Task.WhenEach(peers.Select(peer => AskAsync(peer, subject, caller, waiting.Token))))
        {
            var (peer, found) = await answered;
            if (found is null) silent.Add(peer.Name);
            if (found is not { Count: > 0 }) continue;
            if (copies.Count == 0) limit.CancelAfter(subject.IsImport ? TimeSpan.Zero : grace);
            copies.AddRange(found.Select(copy => (peer, copy)));
        }

        caller.CancellationToken.ThrowIfCancellationRequested();
        metrics.LocateTook(Stopwatch.GetElapsedTime(started));
        copies.Sort((one, other) => Copy.NewestFirst(one.Copy, other.Copy));
        silent.Sort(StringComparer.Ordinal);
        return new LocateOutcome(
            [.. copies.Select(found => found.Copy)], peers.Count, silent, copies.Select(found => found.Peer).FirstOrDefault());
    }

    /// <summary>Nobody who answered has it, and somebody did not answer.</summary>
    public static PeerException Incomplete(Subject subject, LocateOutcome outcome) => new(
        PeerError.LocateIncomplete,
        $"Nobody who answered has {subject}, but {outcome.Silent.Count} of {outcome.Asked} peers did not answer: "
        + $"{string.Join(", ", outcome.Silent)}. Try again when they are back.",
        ("silent", string.Join(',', outcome.Silent)), ("asked", outcome.Asked),
        ("retry_after_seconds", Forwarder.RetryAfterSeconds));

    // Just after the start nobody may be known yet, and "nowhere" would be said of what a peer has.
    private async Task WaitForMembersAsync(Subject subject, CancellationToken waiting)
    {
        try
        {
            await directory.Ready.WaitAsync(waiting);
        }
        catch (OperationCanceledException)
        {
            throw new PeerException(
                PeerError.LocateIncomplete,
                $"Nobody can be asked for {subject} yet: the peers could not be looked up. Try again in a moment.",
                ("silent", ""), ("asked", 0), ("retry_after_seconds", Forwarder.RetryAfterSeconds));
        }
    }

    // Null: no answer. A peer of an older version, which does not know the question, has not answered it either.
    private async Task<(Peer Peer, IReadOnlyList<Copy>? Found)> AskAsync(
        Peer peer, Subject subject, ServerCallContext caller, CancellationToken waiting)
    {
        try
        {
            var answer = await peer.Peers.LocateAsync(
                subject.ToRequest(mark.Message()),
                mark.Metadata(caller),
                (clock.GetUtcNow() + options.Value.LocateTimeout).UtcDateTime,
                waiting);
            return (peer, [.. answer.Locations.Select(found =>
                new Copy(peer.Name, found.CommittedAt?.ToDateTimeOffset() ?? default, (long)found.Size))]);
        }
        catch (RpcException failure)
        {
            // It is this pod under another address, and this pod's table was looked at before.
            return (peer, Refusal.ReasonOf(failure) == PeerError.ForwardLoop.Reason() ? [] : null);
        }
        catch (ObjectDisposedException)
        {
            return (peer, null); // it has left the directory since it was looked up
        }
    }
}
