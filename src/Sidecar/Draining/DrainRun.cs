using Glance.Sidecar.V1;
using Grpc.Core;
using Sidecar.Peers.Calls;
using Sidecar.Peers.Core;
using Sidecar.Peers.Membership;
using Sidecar.Peers.Transfer;
using Sidecar.Staging;
using Sidecar.Staging.Core;
using Sidecar.Stores.Writing;

namespace Sidecar.Draining;

/// <summary>
/// One drain, step by step: nothing new is taken, what runs may end within the grace, then the images go to peers one
/// after another, and what is left is told. Nothing of it is ever undone: the process ends afterwards, and a new one
/// starts fresh.
/// </summary>
internal sealed class DrainRun(
    StagingArea area, DrainedImports imports, StoreWrites writes, DrainLeftovers leftovers, HandOver handOver,
    PeerDirectory directory, TransferContext context)
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(100);

    private readonly Dictionary<ImageId, string> _kept = [];

    public DrainProgress Progress { get; } = new(context.Staging.Clock);

    /// <summary>Refuses what is new. The caller sees it refused when this returns.</summary>
    public void Begin()
    {
        area.RefuseNew();
        imports.RefuseNew();
        Count();
    }

    public async Task RunAsync(TimeSpan grace, CancellationToken cancellationToken)
    {
        DrainingLog.DrainBegins(context.Log, grace, area.ImageCount, area.ActiveUploads, imports.Unfinished);
        await WaitAsync(grace, cancellationToken);
        area.Drain();
        await imports.StopAsync(cancellationToken);
        // Those that go on may have asked for theirs only now: the end of an import is when Glance wants it written.
        await writes.GiveUpAsync();
        await WaitAsync(Timeout.InfiniteTimeSpan, cancellationToken); // for the last fsync of what was suspended
        await KnowPeersAsync(cancellationToken);
        await HandOverAllAsync(cancellationToken);
        var left = leftovers.List(_kept).ToList();
        if (left.Count == 0) await AnnounceAsync(cancellationToken);
        DrainingLog.DrainDone(context.Log, left.Count);
        Progress.Update(drain =>
        {
            drain.State = Drain.Types.State.Done;
            (drain.ImageId, drain.Receiver) = ("", "");
            drain.Left.Add(left);
        });
    }

    private async Task WaitAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        var began = context.Staging.Clock.GetTimestamp();
        while (Count() > 0)
        {
            if (limit >= TimeSpan.Zero && context.Staging.Clock.GetElapsedTime(began) >= limit) return;
            await Task.Delay(Tick, context.Staging.Clock, cancellationToken);
        }
    }

    private int Count()
    {
        var (uploads, unfinished, written) = (area.ActiveUploads, imports.Unfinished, writes.Running);
        Progress.Update(drain => (drain.RunningUploads, drain.RunningImports, drain.RunningWrites) =
            ((ulong)uploads, (ulong)unfinished, (ulong)written));
        return uploads + unfinished + written;
    }

    // A drain may be the first thing after a start. Without an answer from discovery it goes on alone.
    private async Task KnowPeersAsync(CancellationToken cancellationToken)
    {
        try
        {
            await directory.Ready.WaitAsync(context.Options.LocateTimeout, context.Staging.Clock, cancellationToken);
        }
        catch (TimeoutException)
        {
            // Said in the reason of each image that stays.
        }
    }

    private async Task HandOverAllAsync(CancellationToken cancellationToken)
    {
        Progress.Update(drain =>
        {
            drain.State = Drain.Types.State.HandingOver;
            (drain.ImagesTotal, drain.BytesTotal) = ((ulong)area.ImageCount, (ulong)area.ImageBytes);
        });
        var patience = handOver.CreatePatience();
        // Listed again each time: an adoption that was under way may still add one.
        while (area.ListImages().FirstOrDefault(image => !_kept.ContainsKey(image.Id)) is { } image)
        {
            await HandOverAsync(image, patience, cancellationToken);
        }
    }

    private async Task HandOverAsync(Staging.Core.StagedImage image, ReattachBackoff patience, CancellationToken cancellationToken)
    {
        var before = 0UL;
        Progress.Update(drain =>
        {
            before = drain.BytesMoved;
            (drain.ImageId, drain.Receiver) = (image.Id.ToString(), "");
        });
        var outcome = await handOver.RunAsync(
            image,
            patience,
            (receiver, offset, bytes) => Progress.Update(drain =>
            {
                drain.Receiver = receiver;
                drain.BytesMoved = before + (ulong)offset;
                drain.BytesSent += (ulong)bytes;
            }),
            cancellationToken);
        if (outcome.Result == HandOverResult.Kept) _kept[image.Id] = outcome.Reason;
        Progress.Update(drain =>
        {
            var isMoved = outcome.Result is HandOverResult.Moved or HandOverResult.Superseded;
            drain.BytesMoved = before + (isMoved ? (ulong)image.Size : 0);
            drain.ImagesMoved += isMoved ? 1u : 0u;
        });
    }

    private Task AnnounceAsync(CancellationToken cancellationToken) =>
        Task.WhenAll(directory.Peers.Select(peer => AnnounceAsync(peer, cancellationToken)));

    private async Task AnnounceAsync(Peers.Membership.Peer peer, CancellationToken cancellationToken)
    {
        try
        {
            await peer.Peers.AnnounceAsync(
                new AnnounceRequest { Forwarded = context.Mark.Message(), Leaving = true },
                context.Mark.Metadata(),
                (context.Staging.Clock.GetUtcNow() + context.Options.ConnectTimeout).UtcDateTime,
                cancellationToken);
        }
        catch (RpcException failure) when (!cancellationToken.IsCancellationRequested)
        {
            // It waits for this pod's answers until it forgets it, which costs time and loses nothing.
            DrainingLog.LeaveNotTold(context.Log, peer.Name, PeerText.OneLine(Refusal.Why(failure)));
        }
    }
}
