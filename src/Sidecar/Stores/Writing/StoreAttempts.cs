using Microsoft.Extensions.Options;
using Sidecar.Import.Conversion;
using Sidecar.Import.Core;
using Sidecar.Stores.Core;
using Sidecar.Stores.Journal;
using Sidecar.Stores.Writers;

namespace Sidecar.Stores.Writing;

/// <summary>
/// Has one write done, as often as it may help, with the record of it one step ahead of the store: WRITING before the
/// store has anything, WRITTEN when it has everything.
/// </summary>
internal sealed class StoreAttempts(
    StoreJournal journal, StoreSources sources, SourceDisks disks, WriterProcess writer, IOptions<StoresOptions> options, TimeProvider time,
    ILogger<StoreAttempts> logger)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);

    public DateTimeOffset Now => time.GetUtcNow();

    /// <param name="joint">An attempt together with others, which is the first one then.</param>
    /// <exception cref="StoreException">It was not written.</exception>
    /// <exception cref="ImportException">The disk in the source could not be read.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; the store may have a part of it, of which the record tells.</exception>
    public async Task<StoredImage> WriteAsync(StoreRequest request, StoreSource source, StoreWrite write, JointAttempt? joint = null)
    {
        // What Glance's image has is not up for a discard because it is asked for once more.
        var before = journal.Find(request.Key);
        var isConfirmed = before?.State == StoreState.Confirmed;
        var (first, last) = isConfirmed ? (StoreState.Confirmed, StoreState.Confirmed) : (StoreState.Writing, StoreState.Written);
        var record = StoreRecord.Of(request, source, first, Now);
        if (!isConfirmed) journal.Write(record);
        var result = await TryAsync(record, source, Job(record, request, source, before), write, joint);
        var image = new StoredImage(result.Size, result.Digests, result.Facts);
        journal.Write(record with { State = last, Image = image, ChangedAt = Now });
        if (sources.TryFind(request.SourceId)?.Mark == source.Mark) return image;
        // Its image was deleted meanwhile, and with it everybody who could ask for the removal.
        await DiscardAsync(record, request.Target, partOnly: false, write.Cancelled);
        journal.Remove(record.Key);
        throw new StoreException(StoreError.StoreSourceGone, "The image was removed while it was being written to the store.");
    }

    /// <summary>One attempt for several requests of one source that nobody has written yet, made when the first of them is due.</summary>
    public JointAttempt Join(IReadOnlyList<(StoreRequest Request, StoreWrite Write)> members, StoreSource source)
    {
        var all = members.Select(member => (member.Request, member.Write, Token: member.Write.Cancelled)).ToList();
        return new JointAttempt(async () =>
        {
            // Who was discarded while all waited must not take the others along.
            var rest = all.Where(member => !member.Token.IsCancellationRequested).ToList();
            if (rest.Count < 2) return new Dictionary<StoreKey, Task<WriteResult>>();
            using var cancelled = CancellationTokenSource.CreateLinkedTokenSource([.. rest.Select(member => member.Token)]);
            var jobs = rest.Select(member => Job(Begin(member.Request, source), member.Request, source, null)).ToList();
            var job = jobs[0] with { Others = jobs[1..] };
            using var disk = await ServeAsync(source, rest[0].Request.Key, job.MoreBytes, cancelled.Token);
            var ended = await writer.RunJointAsync(job, disk, done => rest.ForEach(member => member.Write.Done = done), cancelled.Token);
            disk?.Finish();
            return rest.Zip(ended).ToDictionary(pair => pair.First.Request.Key, pair => pair.Second);
        });
    }

    private StoreRecord Begin(StoreRequest request, StoreSource source)
    {
        var record = StoreRecord.Of(request, source, StoreState.Writing, Now);
        journal.Write(record);
        return record;
    }

    private static WriteJob Job(StoreRecord record, StoreRequest request, StoreSource source, StoreRecord? before) =>
        Job(record, request.Target) with
        {
            Path = source.Path,
            Digests = request.Digests,
            Known = Known(source, before).Where(known => request.Digests.Contains(known.Key)).ToDictionary(),
            Crc32C = source.Digests.GetValueOrDefault(Staging.Files.Crc32C.Name, ""),
        };

    /// <summary>Removes what the store has of a write.</summary>
    /// <param name="partOnly">But not the image, if it is one by now.</param>
    /// <exception cref="StoreException">It cannot.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public Task DiscardAsync(StoreRecord record, StoreTarget target, bool partOnly, CancellationToken cancellationToken) =>
        writer.RunAsync(Job(record, target) with { Discard = true, PartOnly = partOnly }, null, _ => { }, cancellationToken);

    /// <summary>
    /// Digests that need not be computed: of the upload or import, and those that an earlier write of these very bytes has computed,
    /// as not every store keeps them with the image.
    /// </summary>
    private static Dictionary<string, string> Known(StoreSource source, StoreRecord? before)
    {
        var known = source.Digests.ToDictionary();
        if (before?.Image is not { } written || before.Mark != source.Mark || before.Size != source.Size) return known;
        foreach (var (name, value) in written.Digests) known.TryAdd(name, value);
        return known;
    }

    private async Task<WriteResult> TryAsync(
        StoreRecord record, StoreSource source, WriteJob job, StoreWrite write, JointAttempt? joint)
    {
        for (var attempt = joint is null ? 1 : 0; ; attempt++)
        {
            try
            {
                return attempt == 0 ? await joint!.TakeAsync(record.Key, write.Cancelled) : await TryOnceAsync(source, record.Key, job, write);
            }
            catch (StoreException failure) when (failure.IsTransient && attempt < options.Value.Attempts)
            {
                await PauseAsync(attempt, record, $"{failure.Message} {failure.Detail}", write.Cancelled);
            }
            catch (SourceException failure) when (failure.IsTransient && attempt < options.Value.Attempts)
            {
                await PauseAsync(attempt, record, $"{failure.Cause.Message} {failure.Cause.Detail}", write.Cancelled);
            }
            catch (SourceException failure)
            {
                if (!failure.IsPartLeft && record.State != StoreState.Confirmed) journal.Remove(record.Key);
                throw failure.Cause;
            }
            catch (StoreException failure) when (!failure.IsTransient)
            {
                // It has removed what it began, mostly, so there is nothing to tell of.
                if (!failure.IsPartLeft && record.State != StoreState.Confirmed) journal.Remove(record.Key);
                throw;
            }
        }
    }

    private async Task<WriteResult> TryOnceAsync(StoreSource source, StoreKey key, WriteJob job, StoreWrite write)
    {
        using var disk = await ServeAsync(source, key, job.MoreBytes, write.Cancelled);
        var result = await writer.RunAsync(job, disk, done => write.Done = done, write.Cancelled);
        disk?.Finish();
        return result;
    }

    private async Task<SharedDisk?> ServeAsync(StoreSource source, StoreKey key, long moreBytes, CancellationToken cancellationToken)
    {
        try
        {
            return await disks.TryServeAsync(key, source, moreBytes, cancellationToken);
        }
        catch (ImportException failure)
        {
            // An attempt before this one may have left a part.
            throw new SourceException(failure, isPartLeft: true);
        }
    }

    private Task PauseAsync(int attempt, StoreRecord record, string why, CancellationToken cancellationToken)
    {
        StoresLog.Again(logger, attempt, record.ImageId.ToString(), record.Store, why);
        return Task.Delay(FirstPause * (1 << Math.Max(0, attempt - 1)), time, cancellationToken);
    }

    // The part's name holds that of the source: imports of one image do not meet.
    private static WriteJob Job(StoreRecord record, StoreTarget target) => new(
        Discard: false, Path: "", record.Size, record.Mark,
        Name: record.ImageId.ToString(), PartName: $"{record.ImageId}.part-{record.SourceId:D}",
        Digests: [], Known: new Dictionary<string, string>(), Crc32C: "",
        Rbd: target is RbdTarget rbd ? RbdJob.Of(rbd) : null,
        S3: target is S3Target s3 ? S3Job.Of(s3) : null);
}
