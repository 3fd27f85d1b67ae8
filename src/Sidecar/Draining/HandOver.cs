using Glance.Sidecar.V1;
using Grpc.Core;
using Sidecar.Peers.Calls;
using Sidecar.Peers.Core;
using Sidecar.Peers.Membership;
using Sidecar.Peers.Transfer;
using Sidecar.Staging;
using Sidecar.Staging.Files;
using Peer = Sidecar.Peers.Membership.Peer;
using StagedImage = Sidecar.Staging.Core.StagedImage;

namespace Sidecar.Draining;

/// <summary>
/// Gives a staged image to a peer. The peer that holds a part of it already comes first, then the one with the most
/// room; when one does not take it, the next. Nothing is removed here before a peer said that it has the same bytes
/// committed, and nothing that somebody deleted meanwhile comes back through a peer.
/// </summary>
internal sealed class HandOver(
    StagingArea area, DrainedImports imports, PeerDirectory directory, TransferContext context)
{
    private readonly ReceiverPoll _survey = new(context);

    /// <summary>As long as nobody can be reached, all images of a drain together wait this long.</summary>
    public ReattachBackoff CreatePatience() => new(context.Options.ReattachTimeout, context.Staging.Clock);

    /// <param name="sent">Told of the receiver, the offset that was reached, and the bytes that were sent for it.</param>
    public async Task<HandOverOutcome> RunAsync(
        StagedImage image, ReattachBackoff patience, Action<string, long, int> sent, CancellationToken cancellationToken)
    {
        try
        {
            var outcome = await MoveAsync(image, patience, sent, cancellationToken);
            context.Metrics.HandedOver(Label(outcome.Result));
            DrainingLog.HandedOver(context.Log, image.Id, outcome.Result, outcome.Peer, outcome.Reason);
            return outcome;
        }
        catch (FileNotFoundException)
        {
            // Glance deleted it on the volume.
            await area.RemoveMovedAsync(image, CancellationToken.None);
            return new HandOverOutcome(HandOverResult.Deleted);
        }
        catch (Exception failure) when (DiskFault.Is(failure))
        {
            DrainingLog.HandOverFailed(context.Log, image.Id, failure);
            context.Metrics.HandedOver(Label(HandOverResult.Kept));
            return new HandOverOutcome(
                HandOverResult.Kept, Reason: $"The disk failed: {DiskFault.Explain(failure)}. The sidecar's log says where.");
        }
    }

    private async Task<HandOverOutcome> MoveAsync(
        StagedImage image, ReattachBackoff patience, Action<string, long, int> sent, CancellationToken cancellationToken)
    {
        var offers = await SurveyAsync(image, patience, cancellationToken);
        if (offers.FirstOrDefault(offer => !offer.Leaves && IsAnswer(offer.Peer, offer.Image, image)) is { } there)
        {
            return await SettleAsync(image, there.Peer, there.Image!);
        }

        var refusals = offers.Select(Refusal).Where(refusal => refusal.Length > 0).ToList();
        var willing = offers.Where(offer => Refusal(offer).Length == 0)
            .OrderByDescending(offer => HandOverOffer.ResumeOffset(offer.Part, image) ?? 0)
            .ThenByDescending(offer => offer.Available)
            .Select(offer => offer.Peer).ToList();
        return await OfferAsync(image, willing, refusals, sent, cancellationToken)
            ?? (area.IsStaged(image) ? Kept(refusals) : new HandOverOutcome(HandOverResult.Deleted));
    }

    // A peer whose uploads are all taken is asked again when the others have been: only when nobody has a place is one waited for.
    private async Task<HandOverOutcome?> OfferAsync(
        StagedImage image, List<Peer> peers, List<string> refusals, Action<string, long, int> sent, CancellationToken cancellationToken)
    {
        var patience = CreatePatience();
        while (true)
        {
            var busy = new List<(Peer Peer, string Answer)>();
            foreach (var peer in peers)
            {
                if (!area.IsStaged(image)) return null;
                try
                {
                    var delivery = new HandOverDelivery(
                        context, _survey, image, peer.Name, (offset, bytes) => sent(peer.Name, offset, bytes));
                    var taken = await delivery.RunAsync(cancellationToken);
                    if (IsAnswer(peer, taken, image)) return await SettleAsync(image, peer, taken);
                    refusals.Add(Differs(peer));
                }
                catch (HandOverRefusedException refused) when (refused.IsBusy)
                {
                    busy.Add((peer, refused.Message));
                }
                catch (HandOverRefusedException refused)
                {
                    refusals.Add(refused.Message);
                }
            }

            if (busy.Count > 0 && await patience.WaitAsync(cancellationToken))
            {
                peers = [.. busy.Select(one => one.Peer)];
                continue;
            }

            refusals.AddRange(busy.Select(one => one.Answer));
            return null;
        }
    }

    private HandOverOutcome Kept(List<string> refusals)
    {
        var none = directory.Peers.Count == 0 ? "This pod has no peers." : "No peer can be reached.";
        return new HandOverOutcome(HandOverResult.Kept, Reason: refusals.Count > 0 ? string.Join(' ', refusals) : none);
    }

    private async Task<IReadOnlyList<HandOverOffer>> SurveyAsync(
        StagedImage image, ReattachBackoff patience, CancellationToken cancellationToken)
    {
        while (true)
        {
            var reachable = directory.Peers.Where(peer => peer.State is { Reachable: true, Absent: false }).ToList();
            var offers = await _survey.AskAsync(reachable, image, cancellationToken);
            if (offers.Count > 0) patience.Progress();
            if (offers.Count > 0 || directory.Peers.Count == 0) return offers;
            if (!await patience.WaitAsync(cancellationToken)) return offers;
        }
    }

    // The receiver has what we have, or what somebody put there later: the newest commit wins.
    private static bool IsAnswer(Peer peer, Glance.Sidecar.V1.StagedImage? theirs, StagedImage ours) =>
        theirs is not null && (IsSame(theirs, ours)
            || peer.State.Clock.Earliest(PeerTime.Read(theirs.CommittedAt)) > ours.CommittedAt);

    private static bool IsSame(Glance.Sidecar.V1.StagedImage theirs, StagedImage ours) =>
        theirs.Size == (ulong)ours.Size && theirs.Digests.GetValueOrDefault(Crc32C.Name) == ours.Digests[Crc32C.Name];

    private static string Refusal(HandOverOffer offer) => offer switch
    {
        { Refusal.Length: > 0 } => offer.Refusal,
        { Image: not null } => Differs(offer.Peer),
        _ => "",
    };

    private static string Differs(Peer peer) =>
        $"{peer.Name} has an older image of this id with other bytes: delete one of the two.";

    // Imports first: killed in between, the image is still here, and the next drain finds it at the receiver.
    private async Task<HandOverOutcome> SettleAsync(StagedImage image, Peer receiver, Glance.Sidecar.V1.StagedImage theirs)
    {
        var result = IsSame(theirs, image) ? HandOverResult.Moved : HandOverResult.Superseded;
        if (area.IsStaged(image))
        {
            await imports.RemoveForImageAsync(image.Id);
            if (await area.RemoveMovedAsync(image, CancellationToken.None)) return new(result, receiver.Name);
        }

        if (result == HandOverResult.Moved) await DeleteAtAsync(receiver, image);
        return new HandOverOutcome(HandOverResult.Deleted);
    }

    private async Task DeleteAtAsync(Peer receiver, StagedImage image)
    {
        try
        {
            await receiver.Staging.DeleteImageAsync(
                new DeleteImageRequest { ImageId = image.Id.ToString(), OnlyHere = true, Forwarded = context.Mark.Message() },
                context.Mark.Metadata(), (context.Staging.Clock.GetUtcNow() + context.Options.ReattachTimeout).UtcDateTime);
        }
        catch (RpcException failure)
        {
            DrainingLog.DeletedImageStays(context.Log, image.Id, receiver.Name, PeerText.OneLine(Peers.Calls.Refusal.Why(failure)));
        }
    }

    private static string Label(HandOverResult result) => result switch
    {
        HandOverResult.Moved => "moved",
        HandOverResult.Superseded => "superseded",
        HandOverResult.Deleted => "deleted",
        HandOverResult.Kept => "kept",
    };
}
