using Glance.Sidecar.V1;
using Sidecar.FunctionalTests.Infrastructure;
using Sidecar.SoakTests.Ledger;

namespace Sidecar.SoakTests.Clients;

/// <summary>Uploads of all endings: finished, cut off in the middle, continued, aborted.</summary>
internal sealed class Uploads(Caller caller, Violations violations, Figures figures, Random random)
{
    // Of whose upload somebody was told, a newer call for the image is the writer: of the same client, which gave the older up.
    private static readonly string[] Taken = ["UPLOAD_TAKEN_OVER"];

    /// <summary>Stages a whole image, from its first byte.</summary>
    public Task StageAsync(Life life) => StageAsync(life, Header(life));

    /// <summary>Sends a part, and goes away in one of the ways in which clients do.</summary>
    public async Task CutOffAsync(Life life)
    {
        var cut = random.Next(life.Content.Bytes.Length);
        var ending = random.Next(3);
        life.WasBegun = true;
        var answer = await caller.AskAsync($"Stage (cut off at {cut}) of {life}", life.Home, async (pod, deadline) =>
        {
            using var connection = Transfers.Connect(pod);
            using var stage = Transfers.Stage(connection, deadline);
            await stage.SendAsync(new StageRequest { Header = Header(life) });
            await Transfers.SendAsync(stage, life.Content, 0, cut);
            if (ending != 0) return new StagedImage(); // the call is cancelled: a reset
            await stage.CompleteAsync();
            return await stage.Result;
        }, ["UNFINISHED", "ALREADY_STAGED", .. Taken]);
        figures.Count("uploads cut off");
        if (answer.IsGiven && ending == 0) violations.Add("a Stage call without its finish is refused (UNFINISHED)", $"{life} was staged");
    }

    /// <summary>Continues where the sidecar says that it stopped, or gives it up.</summary>
    public async Task ContinueAsync(Life life)
    {
        var upload = await caller.AskAsync(
            $"GetUpload of {life}", life.Home,
            async (pod, deadline) => await pod.Staging.GetUploadAsync(
                new GetUploadRequest { ImageId = life.Id }, cancellationToken: deadline),
            "UPLOAD_NOT_FOUND");
        if (!upload.IsGiven || upload.Value!.Owner != Cluster.Name(life.Home)) return;
        Check(life, upload.Value);
        if (random.Next(4) == 0) await AbortAsync(life);
        else if (upload.Value.State != Upload.Types.State.Reserved) await ResumeAsync(life, upload.Value.ReceivedOffset);
    }

    private static StageHeader Header(Life life) => new() { ImageId = life.Id, DiskFormat = life.Content.DiskFormat };

    private async Task ResumeAsync(Life life, ulong offset)
    {
        figures.Count("uploads resumed");
        var header = Header(life);
        header.ResumeOffset = offset;
        // The call that was cut off may still have bytes on their way when the offset is asked for.
        await StageAsync(life, header, "OFFSET_MISMATCH", "UPLOAD_NOT_FOUND");
    }

    private async Task StageAsync(Life life, StageHeader header, params string[] expected)
    {
        if (!header.HasResumeOffset)
        {
            life.Received = 0;
            if (random.Next(2) == 0) header.DeclaredSize = (ulong)life.Content.Bytes.Length;
        }

        life.WasBegun = true;
        var before = life.Promise;
        var answer = await caller.AskAsync(
            $"Stage of {life}", life.Home, (pod, deadline) => Transfers.StageAsync(pod, life, header, deadline),
            ["ALREADY_STAGED", .. Taken, .. expected]);
        if (answer.IsGiven || answer.Is("ALREADY_STAGED")) Staged(life, before, answer.IsGiven);
        else if (answer.IsLost || answer.Is("UPLOAD_TAKEN_OVER")) Unknown(life);
    }

    private void Staged(Life life, Promise before, bool isNew)
    {
        if (!isNew && before == Promise.NotFinished)
        {
            violations.Add($"an upload that is cut off is never an image: {life}", "Stage is refused with ALREADY_STAGED");
        }

        figures.Count("images staged");
        life.Now(Promise.Staged, "Stage");
    }

    private static void Unknown(Life life)
    {
        life.MayReturn = true;
        if (life.Promise != Promise.Staged) life.Now(Promise.MaybeStaged, "a Stage call without an answer");
    }

    private async Task AbortAsync(Life life)
    {
        await caller.AskAsync(
            $"AbortUpload of {life}", life.Home,
            async (pod, deadline) => await pod.Staging.AbortUploadAsync(
                new AbortUploadRequest { ImageId = life.Id }, cancellationToken: deadline));
        life.Received = 0;
    }

    private void Check(Life life, Upload upload)
    {
        // A call that was given up may begin the upload again when nobody expects it any more.
        if (upload.ReceivedOffset < life.Received && !life.MayReturn)
        {
            violations.Add($"{life.Received} bytes received of {life}, by GetUpload", $"{upload}");
        }

        if (upload.DurableOffset > upload.ReceivedOffset || upload.ReceivedOffset > (ulong)life.Content.Bytes.Length)
        {
            violations.Add($"offsets of an upload of {life}", $"{upload}");
        }

        life.Received = upload.ReceivedOffset;
    }
}
