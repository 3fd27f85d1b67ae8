using Glance.Sidecar.V1;
using Grpc.Core;
using Stagectl.Failures;
using Stagectl.Progress;
using Stagectl.Transfer;

namespace Stagectl.Ingest;

/// <summary>
/// Stages one image through Glance's own API, however often the connection breaks: after each break it asks how far the upload came,
/// and goes on there. The terms are those of the IETF's draft of resumable uploads, as docs/ingest.md tells them.
/// </summary>
internal sealed class IngestUpload(
    IngestClient client, IngestRequest request, UploadSource source, RetryBackoff patience, IProgressDisplay display,
    CancellationToken cancellationToken)
{
    private long _confirmed;

    /// <summary>A part of the image may be there.</summary>
    public bool Begun { get; private set; }

    /// <returns>Bytes of the image.</returns>
    /// <exception cref="CommandException">It was refused, or nobody was there for too long.</exception>
    public async Task<long> RunAsync()
    {
        var locate = request.Resume;
        while (true)
        {
            try
            {
                var found = locate ? await LocateAsync() : default;
                if (!found.IsWhole) await SendAsync(found.Offset);
                Show(StageProgress.Types.State.Succeeded);
                return found.IsWhole ? found.Offset : source.Offset;
            }
            catch (AttemptException failure)
            {
                await WaitAsync(failure);
            }

            // Of an upload that others began, and this one never did, nothing is taken.
            locate = Begun || request.Resume;
        }
    }

    private async Task WaitAsync(AttemptException failure)
    {
        await NoteProgressAsync();
        if (!await patience.WaitAsync(failure.NeverAnswered, failure.RetryAfter, cancellationToken))
        {
            throw new CommandException(failure.Failure);
        }

        display.Note($"Broke off at {source.Offset}, trying again: {failure.Message}");
    }

    // An upload that got further has all its patience again, however long it has been sending since an earlier break.
    private async Task NoteProgressAsync()
    {
        if (!Begun) return;
        try
        {
            var answer = await client.LocateAsync(request.ImageId, cancellationToken);
            if (answer.IsSuccess) Confirm(answer.Offset ?? 0);
        }
        catch (AttemptException)
        {
            // The failure that it is about matters more.
        }
    }

    private void Confirm(long offset)
    {
        if (offset <= _confirmed) return;
        _confirmed = offset;
        patience.Progress();
    }

    private async Task<Found> LocateAsync()
    {
        var answer = await client.LocateAsync(request.ImageId, cancellationToken);
        patience.Contact();
        if (answer.IsPassing) throw IngestRefusals.Passing(answer);
        if (answer is { IsSuccess: true, Offset: { } offset })
        {
            Confirm(offset);
            if (answer.IsComplete) return await CompareAsync(offset);
            display.Note($"Going on with the upload of image {request.ImageId} at {offset}.");
            return new Found(offset, false);
        }

        if (answer.IsSuccess || answer.Status is 405 or 501) throw NotResumable(answer);
        if (answer.Status != 404) throw IngestRefusals.Final(answer, request.ImageId, client.Address);
        display.Note($"Nothing of an upload of image {request.ImageId} is there, starting at the beginning.");
        return default;
    }

    private CommandException NotResumable(IngestAnswer answer) => new(Failure.Refused(
        StatusCode.Unimplemented, "NOT_RESUMABLE",
        $"{client.Address} cannot say how far an upload came (it answers HEAD with {answer.Status}): the sidecar's ingest is not there. "
        + "Stage the image anew, without --resume."));

    // All of it is there: the last answer was lost, or somebody else was faster.
    private async Task<Found> CompareAsync(long size)
    {
        if (source.Size is { } mine && mine != size)
        {
            throw new CommandException(Failure.Refused(
                StatusCode.AlreadyExists, "ALREADY_STAGED",
                $"Image {request.ImageId} is staged already, with {size} bytes, and {request.Label} has {mine}. Without --resume it is "
                + "staged anew."));
        }

        var answer = await client.ShowAsync(request.ImageId, cancellationToken);
        if (answer.IsPassing) throw IngestRefusals.Passing(answer);
        if (StagedRecord.Of(answer) is not { } image) throw IngestRefusals.Final(answer, request.ImageId, client.Address);
        if (!image.IsStaged) throw new AttemptException(StillAtIt(answer));
        display.Note($"All {size} bytes of image {request.ImageId} are staged.");
        return new Found(size, true);
    }

    private Failure StillAtIt(IngestAnswer answer) => Failure.Refused(
        StatusCode.Unavailable, IngestRefusals.Unavailable,
        $"All bytes of image {request.ImageId} are there, but Glance does not say so yet ({answer.Status}).");

    private async Task SendAsync(long offset)
    {
        await source.SeekAsync(offset, cancellationToken);
        Show(StageProgress.Types.State.Running);
        var answer = await client.SendAsync(request.ImageId, source, OnSent, cancellationToken);
        patience.Contact();
        if (answer.IsSuccess) return;
        if (answer.IsPassing) throw IngestRefusals.Passing(answer);
        if (answer.Status == 409 && await MayPassAsync(answer)) throw IngestRefusals.Passing(answer);
        throw IngestRefusals.Final(answer, request.ImageId, client.Address);
    }

    // The offset is another one, or the request that was cut off is not over yet; or the image is not to be staged at all.
    private async Task<bool> MayPassAsync(IngestAnswer conflict) =>
        conflict.Offset is not null
        || StagedRecord.Of(await client.ShowAsync(request.ImageId, cancellationToken)) is { IsOpen: true };

    private void OnSent()
    {
        Begun = true;
        Show(StageProgress.Types.State.Running);
    }

    private void Show(StageProgress.Types.State state) => display.Show(new StageProgress
    {
        Name = request.Label, State = state, BytesDone = (ulong)source.Offset, BytesTotal = (ulong)(source.Size ?? 0),
    });

    /// <summary>What is there of the image.</summary>
    private readonly record struct Found(long Offset, bool IsWhole);
}
