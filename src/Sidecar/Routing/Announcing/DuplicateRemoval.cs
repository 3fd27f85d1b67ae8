using Glance.Sidecar.V1;
using Grpc.Core;
using Microsoft.Extensions.Options;
using Sidecar.Background;
using Sidecar.Import.Core;
using Sidecar.Import.Queue;
using Sidecar.Peers.Calls;
using Sidecar.Peers.Core;
using Sidecar.Peers.Membership;
using Sidecar.Routing.Core;
using Sidecar.Staging;
using Sidecar.Staging.Core;

namespace Sidecar.Routing.Announcing;

/// <summary>
/// Removes older copies, <c>Peers:DuplicateDelay</c> after they were found to be that. First the other pod is asked
/// again: what was announced may be gone.
/// </summary>
internal sealed class DuplicateRemoval(
    StagingArea area, Duplicates duplicates, PeerDirectory directory, ForwardMark mark, ImportQueue imports,
    ForwardingMetrics metrics, IOptions<PeersOptions> options, LoopHealth loops, TimeProvider clock,
    ILogger<DuplicateRemoval> logger)
    : PeriodicService("duplicate_removal", TimeSpan.FromSeconds(1), FirstRound.AfterTheInterval, loops, clock)
{
    // An owner that does not answer, or an import that runs: some time passes until that changes.
    private static readonly TimeSpan AgainAfter = TimeSpan.FromMinutes(1);

    private readonly TimeProvider _clock = clock;

    protected override bool IsNeeded => options.Value.Enabled;

    protected override async Task RoundAsync(CancellationToken stoppingToken)
    {
        foreach (var duplicate in duplicates.DueBy(_clock.GetUtcNow()))
        {
            try
            {
                await SettleAsync(duplicate, stoppingToken);
            }
            catch (Exception failure) when (!stoppingToken.IsCancellationRequested)
            {
                // Put off, so that it does not stand before the others in the next round too.
                LookAgain(duplicate, "looking at it failed: " + failure.Message);
                throw;
            }
        }
    }

    private async Task SettleAsync(Duplicate duplicate, CancellationToken stoppingToken)
    {
        var id = duplicate.Image.Id;
        if (!duplicates.TryGet(id, out _)) return;
        if (await IsThereAsync(duplicate, stoppingToken) is not { } there)
        {
            LookAgain(duplicate, "the pod with the newer copy does not answer");
        }
        else if (!there)
        {
            duplicates.Unmark(duplicate);
            Kept(duplicate, "the newer copy is gone");
        }
        else if (IsImported(id))
        {
            LookAgain(duplicate, "an import of it was not released yet");
        }
        else
        {
            await RemoveAsync(duplicate);
        }
    }

    // Waits, runs, or has an output that nobody released yet.
    private bool IsImported(ImageId id) => imports.List(id)
        .Any(import => import.State is ImportState.Queued or ImportState.Running or ImportState.Succeeded);

    // Null: no answer.
    private async Task<bool?> IsThereAsync(Duplicate duplicate, CancellationToken stoppingToken)
    {
        try
        {
            if (directory.Find(duplicate.Newer.Owner) is not { } owner) return null;
            var newer = await owner.Staging.GetImageAsync(
                new GetImageRequest { ImageId = duplicate.Image.Id.ToString(), Forwarded = mark.Message() },
                mark.Metadata(),
                (_clock.GetUtcNow() + options.Value.LocateTimeout).UtcDateTime,
                stoppingToken);
            // Its clock may have been measured since, or more exactly: what may be the older one stays.
            var committedAt = PeerTime.Read(newer.CommittedAt);
            return committedAt >= duplicate.Newer.CommittedAt
                && owner.State.Clock.Earliest(committedAt) >= duplicate.Image.CommittedAt;
        }
        catch (RpcException failure)
        {
            return Refusal.IsNotThere(failure) ? false : null;
        }
    }

    private async Task RemoveAsync(Duplicate duplicate)
    {
        try
        {
            // Only this copy: one that was staged meanwhile is newer than both.
            await area.RemoveMovedAsync(duplicate.Image, CancellationToken.None);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            LookAgain(duplicate, "the disk failed: " + failure.Message);
            return;
        }

        duplicates.Unmark(duplicate);
        metrics.Duplicate("removed");
        RoutingLog.DuplicateRemoved(logger, duplicate.Image.Id, duplicate.Newer.Owner);
    }

    private void LookAgain(Duplicate duplicate, string reason)
    {
        duplicates.Postpone(duplicate, AgainAfter);
        Kept(duplicate, reason);
    }

    private void Kept(Duplicate duplicate, string reason)
    {
        metrics.Duplicate("kept");
        RoutingLog.DuplicateKept(logger, duplicate.Image.Id, reason);
    }
}
