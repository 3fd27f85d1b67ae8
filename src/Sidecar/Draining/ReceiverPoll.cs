using Glance.Sidecar.V1;
using Grpc.Core;
using Sidecar.Peers.Core;
using Sidecar.Peers.Transfer;
using Peer = Sidecar.Peers.Membership.Peer;

namespace Sidecar.Draining;

/// <summary>
/// Asks every peer that can be reached what it has of an image and how much room there is, now: what it said at its
/// last probe may be from before the image that was just handed over to it.
/// </summary>
internal sealed class ReceiverPoll(TransferContext context)
{
    public async Task<IReadOnlyList<HandOverOffer>> AskAsync(
        IEnumerable<Peer> peers, Staging.Core.StagedImage image, CancellationToken cancellationToken) =>
        await Task.WhenAll(peers.Select(peer => AskAsync(peer, image, cancellationToken)));

    /// <summary>Null when the peer has no image of this id.</summary>
    /// <exception cref="RpcException">It did not answer.</exception>
    public Task<StagedImage?> GetImageAsync(Peer peer, Staging.Core.StagedImage image, CancellationToken cancellationToken) =>
        OrNull(peer.Staging.GetImageAsync(
            new GetImageRequest { ImageId = image.Id.ToString(), Forwarded = context.Mark.Message() }, Call(cancellationToken)));

    /// <summary>Null when the peer has no unfinished upload of the image.</summary>
    /// <exception cref="RpcException">It did not answer.</exception>
    public Task<Upload?> GetPartAsync(Peer peer, Staging.Core.StagedImage image, CancellationToken cancellationToken) =>
        OrNull(peer.Staging.GetUploadAsync(new GetUploadRequest { ImageId = image.Id.ToString() }, Call(cancellationToken)));

    private async Task<HandOverOffer> AskAsync(
        Peer peer, Staging.Core.StagedImage image, CancellationToken cancellationToken)
    {
        try
        {
            var answer = await peer.Peers.DescribeAsync(
                new DescribeRequest { Forwarded = context.Mark.Message() }, Call(cancellationToken));
            var found = await GetImageAsync(peer, image, cancellationToken);
            var part = await GetPartAsync(peer, image, cancellationToken);
            return new HandOverOffer(
                peer, answer.Capacity.AvailableBytes, found, part, answer.Draining, Refusal(peer, answer, part, image));
        }
        catch (RpcException failure) when (!cancellationToken.IsCancellationRequested)
        {
            return new HandOverOffer(
                peer, 0, null, null, Leaves: false,
                $"{peer.Name} does not answer: {PeerText.OneLine(Peers.Calls.Refusal.Explain(failure))}");
        }
    }

    private static string Refusal(
        Peer peer, Glance.Sidecar.V1.Peer answer, Upload? part, Staging.Core.StagedImage image)
    {
        if (answer.Draining) return $"{peer.Name} drains as well.";
        if (!answer.Capacity.AcceptsUploads) return $"{peer.Name} takes no uploads: {answer.Capacity.Refusal}.";
        return part is { State: Upload.Types.State.Receiving or Upload.Types.State.Reserved } && !HandOverOffer.IsOfHandOver(part, image)
            ? $"{peer.Name} is receiving an upload of this image from somebody else."
            : "";
    }

    private CallOptions Call(CancellationToken cancellationToken) => new(
        context.Mark.Metadata(), (context.Staging.Clock.GetUtcNow() + context.Options.ConnectTimeout).UtcDateTime,
        cancellationToken);

    private static async Task<T?> OrNull<T>(AsyncUnaryCall<T> call)
        where T : class
    {
        try
        {
            return await call;
        }
        catch (RpcException nothing) when (nothing.StatusCode == StatusCode.NotFound)
        {
            return null;
        }
    }
}
