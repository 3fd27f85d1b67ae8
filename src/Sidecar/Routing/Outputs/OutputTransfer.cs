using Glance.Sidecar.V1;
using Grpc.Core;
using Sidecar.Peers.Calls;
using Sidecar.Peers.Core;
using Sidecar.Peers.Transfer;
using Sidecar.Routing.Core;
using Sidecar.Staging.Core;
using Sidecar.Staging.Files;
using Sidecar.Staging.Space;

namespace Sidecar.Routing.Outputs;

/// <summary>
/// One run of fetching an output here. It does not depend on those who wait for it. Each chunk's CRC-32C, made of the
/// owner's file, is checked before the chunk is written, and the length at the end: so the digests of the result hold
/// for the copy as well, and computing them again would only cost what the transfer itself does.
/// </summary>
internal sealed class OutputTransfer(TransferContext context, OutputRecord record) : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new();
    private readonly ReattachBackoff _patience = new(context.Options.ReattachTimeout, context.Staging.Clock);
    private Action<long, long>? _listeners;
    private long _offset;
    private long _corruptAt = -1;

    public OutputRecord Record { get; } = record;

    /// <summary>The transfer itself; completes with the record of the whole output.</summary>
    public Task<OutputRecord> Completion { get; private set; } = Task.FromResult(record);

    public void Start(Func<Task<OutputRecord>, OutputRecord> end) =>
        Completion = Task.Run(RunAsync).ContinueWith(end, TaskScheduler.Default);

    /// <summary>Has progress told, first as it is now: bytes done and bytes in all.</summary>
    public void Listen(Action<long, long> listener)
    {
        lock (_lock) _listeners += listener;
        listener(Volatile.Read(ref _offset), Record.Size);
    }

    public void Forget(Action<long, long> listener)
    {
        lock (_lock) _listeners -= listener;
    }

    /// <summary>Ends it soon. What was received stays.</summary>
    public void Stop()
    {
        try
        {
            _stop.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It has ended.
        }
    }

    public void Dispose() => _stop.Dispose();

    private async Task<OutputRecord> RunAsync()
    {
        try
        {
            Record.Write(context.Staging.Layout);
            using var file = OutputFile.Open(
                context.Staging.Layout.OutputDirectory(Record.ImportId), Record.BootId,
                context.Staging.Options.DurableIntervalBytes, _stop.Token);
            using var reservation = context.Space.Reserve(Math.Max(0, Record.Size - file.Offset));
            Advance(file.Offset);
            RoutingLog.OutputTransferBegins(context.Log, Record.ImportId, Record.Owner, file.Offset, Record.Size);
            await PullOrKeepAsync(file, reservation);
            file.Sync();
            var complete = Record with { CompletedAt = context.Staging.Clock.GetUtcNow() };
            complete.Write(context.Staging.Layout);
            return complete;
        }
        catch (RpcException) when (_stop.IsCancellationRequested)
        {
            throw new OperationCanceledException(_stop.Token);
        }
        catch (Exception failure) when (DiskFault.IsFull(failure))
        {
            throw new StagingException(
                StagingError.NoSpace,
                $"The volume filled up while the output of import {Record.ImportId} was fetched here. Try again later.",
                failure,
                DiskFault.FullFacts);
        }
        catch (Exception failure) when (DiskFault.Is(failure))
        {
            throw new StagingException(
                StagingError.DiskFailed,
                $"The disk failed while the output of import {Record.ImportId} was fetched here: "
                + $"{DiskFault.Explain(failure)}. The sidecar's log says where: check the volume, and try again.",
                failure);
        }
    }

    private async Task PullOrKeepAsync(OutputFile file, Staging.Space.Reservation reservation)
    {
        try
        {
            await PullAsync(file, reservation);
        }
        catch (Exception ended) when (ended is RpcException or PeerException or OperationCanceledException)
        {
            file.Checkpoint(); // whoever asks again goes on here
            throw;
        }
    }

    private async Task PullAsync(OutputFile file, Staging.Space.Reservation reservation)
    {
        while (true)
        {
            try
            {
                await PullOnceAsync(file, reservation);
                return;
            }
            catch (RpcException broken) when (!_stop.IsCancellationRequested && Refusal.IsBroken(broken))
            {
                RoutingLog.OutputTransferBroke(
                    context.Log, Record.ImportId, Record.Owner, file.Offset, PeerText.OneLine(Refusal.Why(broken)));
                if (!await _patience.WaitAsync(_stop.Token)) throw OwnerLost(broken);
            }
            // The owner has its hands full; its other readers end sooner or later.
            catch (RpcException full) when (!_stop.IsCancellationRequested && Refusal.IsOverloaded(full))
            {
                RoutingLog.OutputTransferWaits(context.Log, Record.ImportId, Record.Owner, PeerText.OneLine(Refusal.Why(full)));
                if (!await _patience.WaitAsync(_stop.Token)) throw;
            }
            catch (PeerException corrupt) when (
                corrupt.Error == PeerError.TransferCorrupt && _corruptAt != file.Offset)
            {
                // Once it may have been the way; twice at the same place it is the owner's disk or memory.
                _corruptAt = file.Offset;
            }
        }
    }

    private async Task PullOnceAsync(OutputFile file, Staging.Space.Reservation reservation)
    {
        // Looked up each time: a pod that comes back may have another address.
        var owner = context.Find(Record.Owner)
            ?? throw new RpcException(new Status(StatusCode.Unavailable, "It is not among the peers now."));
        var request = new ReadImageRequest
        {
            ImageId = Record.ImageId.ToString(), ImportId = Record.ImportId.ToString("D"), Offset = (ulong)file.Offset,
            SkipHoles = true, Forwarded = context.Mark.Message(),
        };
        using var call = owner.Staging.ReadImage(request, context.Mark.Metadata(), null, _stop.Token);
        while (await call.ResponseStream.MoveNext(_stop.Token))
        {
            var chunk = call.ResponseStream.Current;
            context.Metrics.OutputReceived(chunk.Data.Length);
            Check(chunk, file.Offset);
            reservation.Consume((long)chunk.Offset + chunk.Data.Length - file.Offset);
            file.AppendZeros((long)chunk.Offset - file.Offset);
            file.Append(chunk.Data.Span);
            _patience.Progress();
            Advance(file.Offset);
        }

        if (file.Offset != Record.Size) throw Corrupt("length", Record.Size, file.Offset);
    }

    private void Check(ReadImageResponse chunk, long offset)
    {
        if (chunk.HasTotalSize && chunk.TotalSize != (ulong)Record.Size)
        {
            throw Corrupt("length", Record.Size, chunk.TotalSize);
        }

        if (chunk.Offset < (ulong)offset || chunk.Offset > (ulong)(Record.Size - chunk.Data.Length))
        {
            throw Corrupt("chunk's offset", offset, chunk.Offset);
        }

        var crc = Crc32C.Append(Crc32C.Empty, chunk.Data.Span);
        if (crc != chunk.Crc32C) throw Corrupt("chunk's crc32c", Crc32C.ToHex(chunk.Crc32C), Crc32C.ToHex(crc));
    }

    private void Advance(long offset)
    {
        Volatile.Write(ref _offset, offset);
        Action<long, long>? listeners;
        lock (_lock) listeners = _listeners;
        listeners?.Invoke(offset, Record.Size);
    }

    private PeerException OwnerLost(Exception inner) => new(
        PeerError.OwnerLost,
        $"The connection to {Record.Owner} broke while the output of import {Record.ImportId} was fetched here, and "
        + $"could not be made again within {context.Options.ReattachTimeout} (Peers:ReattachTimeout). What arrived is "
        + "kept: try again, and it goes on there.",
        inner,
        ("owner", Record.Owner),
        ("retry_after_seconds", (long)SpaceLedger.RetryHint.TotalSeconds));

    private PeerException Corrupt(string what, object expected, object actual) => new(
        PeerError.TransferCorrupt,
        $"The output of import {Record.ImportId} does not arrive as {Record.Owner} has it: its {what} is {actual}, not "
        + $"{expected}. Try again; if it stays so, release the import and run it again.",
        ("owner", Record.Owner),
        ("expected", expected),
        ("actual", actual));
}
