using Glance.Sidecar.V1;
using Grpc.Core;
using Sidecar.Peers.Calls;
using Sidecar.Peers.Core;
using Sidecar.Peers.Transfer;
using Sidecar.Staging.Files;
using StagedImage = Sidecar.Staging.Core.StagedImage;

namespace Sidecar.Draining;

/// <summary>
/// Brings one image to one receiver, however often the connection breaks: before each attempt it asks what the receiver
/// has. An answer that was lost is found again so: the receiver says that the image is staged.
/// </summary>
internal sealed class HandOverDelivery(
    TransferContext context, ReceiverPoll survey, StagedImage image, string receiver, Action<long, int> sent)
{
    private readonly ReattachBackoff _patience = new(context.Options.ReattachTimeout, context.Staging.Clock);
    private bool _startedOver;

    /// <returns>The receiver's image: committed, durable and of the same bytes; or another one that it had before.</returns>
    /// <exception cref="HandOverRefusedException">It does not take the image, or is lost.</exception>
    /// <exception cref="IOException">The image cannot be read.</exception>
    public async Task<Glance.Sidecar.V1.StagedImage> RunAsync(CancellationToken cancellationToken)
    {
        using var file = RegularFile.OpenToRead(context.Staging.Layout.ImageFile(image.Id));
        var stream = new HandOverStream(context, image, file);
        while (true)
        {
            try
            {
                return await TryAsync(stream, cancellationToken);
            }
            catch (RpcException failure) when (!cancellationToken.IsCancellationRequested)
            {
                await JudgeAsync(failure, cancellationToken);
            }
        }
    }

    private async Task<Glance.Sidecar.V1.StagedImage> TryAsync(HandOverStream stream, CancellationToken cancellationToken)
    {
        var peer = Find();
        var part = await survey.GetPartAsync(peer, image, cancellationToken);
        if (part is null && await survey.GetImageAsync(peer, image, cancellationToken) is { } there) return there;
        var offset = HandOverOffer.ResumeOffset(part, image);
        DrainingLog.HandOverBegins(context.Log, image.Id, receiver, (long)(offset ?? 0), image.Size);
        return await stream.SendAsync(peer, offset, Sent, cancellationToken);
    }

    // Returns when another attempt may mend it.
    private async Task JudgeAsync(RpcException failure, CancellationToken cancellationToken)
    {
        var (said, detail) = (PeerText.OneLine(Refusal.Why(failure)), PeerText.OneLine(Refusal.Explain(failure)));
        var mayMend = Refusal.ReasonOf(failure) switch
        {
            null => Refusal.IsBroken(failure),
            "OFFSET_MISMATCH" or "UPLOAD_NOT_FOUND" or "ALREADY_STAGED" or "CHUNK_CORRUPT" or "IDLE_TIMEOUT" => true,
            // A part that is not of this image, or that its disk lost: once more, from the beginning.
            "DIGEST_MISMATCH" or "DISK_FAILED" => await StartOverAsync(cancellationToken),
            _ => false,
        };
        if (!mayMend)
        {
            var isBusy = Refusal.ReasonOf(failure) == "OVERLOADED";
            throw new HandOverRefusedException($"{receiver} does not take it: {detail}", failure) { IsBusy = isBusy };
        }

        DrainingLog.HandOverBroke(context.Log, image.Id, receiver, said);
        if (!await _patience.WaitAsync(cancellationToken))
        {
            var how = Refusal.ReasonOf(failure) is null ? "could not be reached again" : "did not take it";
            throw new HandOverRefusedException($"{receiver} {how} within {context.Options.ReattachTimeout}: {detail}", failure);
        }
    }

    private async Task<bool> StartOverAsync(CancellationToken cancellationToken)
    {
        if (_startedOver) return false;
        _startedOver = true;
        try
        {
            await Find().Staging.AbortUploadAsync(
                new AbortUploadRequest { ImageId = image.Id.ToString() }, context.Mark.Metadata(), null, cancellationToken);
            return true;
        }
        catch (RpcException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    private Peers.Membership.Peer Find() => context.Find(receiver)
        ?? throw new RpcException(new Status(StatusCode.Unavailable, $"{receiver} is not among the peers now."));

    private void Sent(long offset, int bytes)
    {
        _patience.Progress();
        sent(offset, bytes);
    }
}
