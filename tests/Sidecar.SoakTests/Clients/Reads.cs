using Glance.Sidecar.V1;
using Sidecar.SoakTests.Ledger;
using Sidecar.SoakTests.Pods;

namespace Sidecar.SoakTests.Clients;

/// <summary>Looks at what there is of an image through any pod, and compares it with what was promised.</summary>
internal sealed class Reads(Caller caller, SoakPods pods, Violations violations, Figures figures, Random random)
{
    /// <summary>Reads all of it or a part.</summary>
    public async Task ReadAsync(Life life)
    {
        var bytes = life.Content.Bytes;
        var from = random.Next(2) == 0 ? 0 : random.Next(bytes.Length);
        var length = from == 0 ? bytes.Length : random.Next(1, bytes.Length - from + 1);
        var request = new ReadImageRequest { ImageId = life.Id, Offset = (ulong)from, Length = (ulong)length };
        var read = await caller.AskAsync(
            $"ReadImage ({from}+{length}) of {life}", random.Next(SoakPods.Count),
            (pod, deadline) => Transfers.ReadAsync(pod, request, deadline), IfAbsent(life));
        if (!read.IsGiven) return;
        Found(life, "ReadImage");
        Compare(life, "ReadImage", bytes.AsSpan(from, length), read.Value!);
    }

    /// <summary>Reads the output of its import.</summary>
    public async Task ReadOutputAsync(Life life)
    {
        var request = new ReadImageRequest { ImageId = life.Id, ImportId = life.ImportId };
        var mayBeGone = !life.IsImported || life.Promise != Promise.Staged || life.DrainsAtStart != pods.Drains;
        var read = await caller.AskAsync(
            $"ReadImage (output of import {life.ImportId}) of {life}", random.Next(SoakPods.Count),
            (pod, deadline) => Transfers.ReadAsync(pod, request, deadline),
            [.. IfAbsent(life), .. mayBeGone ? (string[])["IMPORT_NOT_FOUND", "IMPORT_INTERRUPTED", "IMPORT_RUNNING"] : []]);
        if (read.IsGiven) Compare(life, $"ReadImage of import {life.ImportId}", life.Content.Output, read.Value!);
    }

    /// <summary>Asks whether it is there.</summary>
    public Task GetAsync(Life life) => GetAsync(life, random.Next(SoakPods.Count));

    /// <summary>Asks a pod whether it is there; of an image without an answer so far this is one.</summary>
    /// <returns>Whether it is there; null when that cannot be said.</returns>
    public async Task<bool?> GetAsync(Life life, int at)
    {
        var image = await caller.AskAsync(
            $"GetImage of {life}", at,
            async (pod, deadline) => await pod.Staging.GetImageAsync(
                new GetImageRequest { ImageId = life.Id }, cancellationToken: deadline),
            IfAbsent(life));
        if (image.Is("IMAGE_NOT_FOUND")) return false;
        if (!image.IsGiven) return null;
        Found(life, "GetImage");
        if (image.Value!.Size != (ulong)life.Content.Bytes.Length) violations.Add($"{life}", $"GetImage says {image.Value}");
        return true;
    }

    private static string[] IfAbsent(Life life) => life.Promise == Promise.Staged ? [] : ["IMAGE_NOT_FOUND"];

    private void Found(Life life, string by)
    {
        if (life.Promise == Promise.Deleted && life.IsPending) figures.Count("seen while peers are to be told of a deletion");
        else if (life.Promise == Promise.Deleted && life.MayReturn) figures.Count("staged after a deletion, by a call that was given up");
        else if (life.Promise is Promise.NotFinished or Promise.Deleted) violations.Add($"no image: {life}", $"{by} finds it");
        if (life.Promise == Promise.MaybeStaged) life.Now(Promise.Staged, by);
    }

    private void Compare(Life life, string by, ReadOnlySpan<byte> expected, byte[] read)
    {
        var same = expected.CommonPrefixLength(read);
        if (same != expected.Length || same != read.Length)
        {
            violations.Add($"{expected.Length} bytes of {life}", $"{by} gives {read.Length} bytes, of which the first {same} are right");
        }
    }
}
