using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Grpc.Core;
using Sidecar.Peers.Core;
using Sidecar.Peers.Membership;
using Sidecar.Peers.Transfer;
using Sidecar.Routing.Core;
using Sidecar.Staging.Core;
using Sidecar.Staging.Disk;
using Sidecar.Staging.Files;

namespace Sidecar.Routing.Outputs;

/// <summary>
/// The outputs of other pods' imports on this pod's volume: <c>.sidecar/outputs/&lt;import id&gt;/</c> holds
/// <c>output.json</c>, <c>data</c> and, as long as it is not whole, <c>journal</c>.
/// <para>
/// An output is fetched once however many ask for it, goes on where it was after a broken connection and after a
/// restart of either pod, and is there for callers only once it is whole and durable. It stays until the import is
/// released, the image is deleted or the retention ends. A transfer does not end with those who wait for it.
/// </para>
/// </summary>
/// <param name="retention">As of finished imports; zero: for ever.</param>
internal sealed class FetchedOutputs(TransferContext context, TimeSpan retention) : IAsyncDisposable
{
    private readonly ConcurrentDictionary<Guid, OutputRecord> _records = new();
    private readonly ConcurrentDictionary<Guid, OutputTransfer> _running = new();
    // Begins and removals: a directory is not removed under a transfer that begins.
    private readonly SemaphoreSlim _turn = new(1);
    private bool _stopped;

    private StagingLayout Layout => context.Staging.Layout;

    /// <summary>Everything that is here, whole or not.</summary>
    public IReadOnlyList<OutputRecord> Records => [.. _records.Values.OrderBy(record => record.StartedAt)];

    /// <summary>Fetches the output of a succeeded import here, and answers the path of the file.</summary>
    /// <param name="progress">Told of bytes done and bytes in all, often, on the transfer's own thread.</param>
    /// <param name="cancellationToken">Ends the wait, not the transfer.</param>
    /// <exception cref="StagingException">NoSpace, DiskFailed, Draining.</exception>
    /// <exception cref="PeerException">OwnerLost, TransferCorrupt.</exception>
    /// <exception cref="RpcException">The owner's own refusal, such as that the import is gone.</exception>
    public async Task<string> FetchAsync(
        Peer owner, Glance.Sidecar.V1.Import import, Action<long, long>? progress, CancellationToken cancellationToken)
    {
        var wanted = ToRecord(owner, import);
        await _turn.WaitAsync(cancellationToken);
        OutputTransfer transfer;
        try
        {
            if (_running.TryGetValue(wanted.ImportId, out var running) && running.Record.IsSameOutput(wanted)) transfer = running;
            else if (TryGet(wanted.ImportId, out var there) && _records[wanted.ImportId].IsSameOutput(wanted)) return there.Path;
            else transfer = await BeginAsync(wanted);
        }
        finally
        {
            _turn.Release();
        }

        if (progress is not null) transfer.Listen(progress);
        try
        {
            return ToOutput(await transfer.Completion.WaitAsync(cancellationToken)).Path;
        }
        finally
        {
            if (progress is not null) transfer.Forget(progress);
        }
    }

    /// <summary>Whether the whole output is here.</summary>
    public bool TryGet(Guid importId, [NotNullWhen(true)] out FetchedOutput? output)
    {
        output = _records.TryGetValue(importId, out var record) && record.CompletedAt is not null ? ToOutput(record) : null;
        return output is not null;
    }

    /// <summary>Removes an output, ends its transfer.</summary>
    /// <returns>Bytes that its files had; 0 when there was none.</returns>
    public async Task<long> RemoveAsync(Guid importId)
    {
        if (!_records.ContainsKey(importId)) return 0;
        await _turn.WaitAsync();
        try
        {
            return await DiscardAsync(importId);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Removes the outputs of an image that were fetched, or begun to be, up to a time.</summary>
    /// <returns>Bytes that their files had.</returns>
    public async Task<long> RemoveForImageAsync(ImageId imageId, DateTimeOffset limit)
    {
        var bytes = 0L;
        foreach (var record in Records.Where(record => record.ImageId == imageId && record.StartedAt <= limit))
        {
            bytes += await RemoveAsync(record.ImportId);
        }

        return bytes;
    }

    /// <summary>Takes up what an earlier process left. Call it once, before anything else.</summary>
    public Task RecoverAsync() => Task.Run(() =>
    {
        foreach (var directory in Directory.EnumerateDirectories(Layout.Outputs)) Recover(directory);
    });

    private void Recover(string directory)
    {
        try
        {
            var record = OutputRecord.Read(directory);
            if (IsThere(record)) _records[record.ImportId] = record;
            else RemoveUnreadable(directory, "its data is not there");
        }
        catch (Exception damaged) when (damaged is InvalidDataException or FileNotFoundException)
        {
            var name = $"output-{Path.GetFileName(directory)}.json";
            var isAway = DamagedRecords.SetAside(Layout, context.Log, OutputRecord.FileIn(directory), name, damaged.Message);
            if (isAway) RemoveUnreadable(directory, damaged.Message);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            StagingLog.RecordUnreadable(context.Log, directory, failure.Message);
        }
    }

    private void RemoveUnreadable(string directory, string why)
    {
        try
        {
            Directory.Delete(directory, recursive: true);
            RoutingLog.OutputUnreadable(context.Log, directory);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            StagingLog.RecordKept(context.Log, directory, why, failure.Message);
        }
    }

    /// <summary>Removes outputs that nobody released in time, and transfers that nobody took up again.</summary>
    /// <returns>How many.</returns>
    public async Task<int> SweepAsync(DateTimeOffset now)
    {
        var removed = 0;
        if (retention == TimeSpan.Zero) return removed;
        foreach (var record in Records)
        {
            if (_running.ContainsKey(record.ImportId) || now - (record.CompletedAt ?? record.StartedAt) <= retention) continue;
            await RemoveAsync(record.ImportId);
            removed++;
        }

        return removed;
    }

    /// <summary>Ends every transfer soon; what arrived stays for the next start.</summary>
    public void Stop()
    {
        _stopped = true;
        foreach (var transfer in _running.Values) transfer.Stop();
    }

    public async ValueTask DisposeAsync()
    {
        Stop();
        // Their failures were told to those who waited, and logged.
        foreach (var transfer in _running.Values) await transfer.Completion.ContinueWith(_ => { }, TaskScheduler.Default);
        _turn.Dispose();
    }

    // The caller has the turn.
    private async Task<OutputTransfer> BeginAsync(OutputRecord wanted)
    {
        if (_stopped) throw Stopping();
        if (_records.TryGetValue(wanted.ImportId, out var before))
        {
            if (before.IsSameOutput(wanted)) wanted = before with { Owner = wanted.Owner };
            else await DiscardAsync(wanted.ImportId); // the import was run again: these are other bytes
        }

        var transfer = new OutputTransfer(context, wanted);
        _records[wanted.ImportId] = wanted;
        _running[wanted.ImportId] = transfer;
        transfer.Start(run => End(transfer, run));
        return transfer;
    }

    private OutputRecord End(OutputTransfer transfer, Task<OutputRecord> run)
    {
        var id = transfer.Record.ImportId;
        try
        {
            Settle(transfer, run);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // Only what is left over: the transfer ended as it did, and the next one, or the sweep, removes that.
            RoutingLog.OutputNotTidied(context.Log, id, PeerText.OneLine(failure.Message));
        }
        finally
        {
            // Whatever happened: as long as it is listed nobody can begin another.
            _running.TryRemove(id, out _);
            transfer.Dispose();
        }

        if (run.IsCanceled) throw Stopping();
        return run.GetAwaiter().GetResult();
    }

    private void Settle(OutputTransfer transfer, Task<OutputRecord> run)
    {
        var id = transfer.Record.ImportId;
        if (run.IsCompletedSuccessfully)
        {
            _records[id] = run.Result;
            RoutingLog.OutputFetched(context.Log, id, run.Result.Owner, run.Result.Size);
            DurableFiles.Delete(Path.Combine(Layout.OutputDirectory(id), "journal"));
        }
        else if (run.Exception?.InnerException is { } failure)
        {
            var said = (failure as StagingException)?.Detail ?? failure.Message;
            RoutingLog.OutputTransferFailed(context.Log, id, transfer.Record.Owner, PeerText.OneLine(said));
            if (!IsWorthKeeping(failure)) RemoveFiles(id);
        }
    }

    // What arrived was checked, so it is good unless the disk or the owner say otherwise.
    private static bool IsWorthKeeping(Exception failure) => failure switch
    {
        StagingException { Error: StagingError.NoSpace } or PeerException { Error: PeerError.OwnerLost } => true,
        RpcException refusal => refusal.StatusCode == StatusCode.Unavailable,
        _ => false,
    };

    // The caller has the turn.
    private async Task<long> DiscardAsync(Guid importId)
    {
        if (_running.TryGetValue(importId, out var transfer))
        {
            transfer.Stop();
            await transfer.Completion.ContinueWith(_ => { }, TaskScheduler.Default);
        }

        return await Task.Run(() => RemoveFiles(importId));
    }

    private long RemoveFiles(Guid importId)
    {
        _records.TryRemove(importId, out _);
        var directory = Layout.OutputDirectory(importId);
        if (!Directory.Exists(directory)) return 0;
        var bytes = DurableFiles.Delete(Path.Combine(directory, "data"));
        Directory.Delete(directory, recursive: true);
        Posix.SyncDirectory(Layout.Outputs);
        RoutingLog.OutputRemoved(context.Log, importId, bytes);
        return bytes;
    }

    private OutputRecord ToRecord(Peer owner, Glance.Sidecar.V1.Import import) => new(
        Guid.Parse(import.ImportId), ImageId.Parse(import.ImageId), owner.Name, checked((long)import.Result.Size),
        PeerTime.Read(import.FinishedAt), context.Staging.Clock.GetUtcNow(), BootId.Current, CompletedAt: null);

    private FetchedOutput ToOutput(OutputRecord record) => new(
        record.ImportId, record.ImageId, DataFile(record), record.Size, record.Owner);

    private bool IsThere(OutputRecord record) => record.CompletedAt is null
        || RegularFile.TryLength(DataFile(record)) == record.Size;

    private string DataFile(OutputRecord record) => Path.Combine(Layout.OutputDirectory(record.ImportId), "data");

    private static StagingException Stopping() => new(
        StagingError.Draining, "The sidecar is stopping. Ask again in a moment: the output goes on where it was.");
}
