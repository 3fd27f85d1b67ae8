using System.Buffers;
using Sidecar.Downloads.Core;
using Sidecar.Downloads.Servers;

namespace Sidecar.Downloads.Fetching;

/// <summary>
/// The parts of a file behind the one that is being written: they are fetched at once, each over a connection of its own, and
/// taken in their order. Not for concurrent use, but for the fetches, which know of nothing but their own part.
/// </summary>
internal sealed class ReadAhead(FileClient client, RemoteFile file, ReadAheadMemory memory, DownloadsOptions options) : IAsyncDisposable
{
    private readonly Queue<(FileRange Part, Task<byte[]> Bytes)> _parts = [];
    private readonly CancellationTokenSource _ended = new();
    private long _next;

    /// <summary>Where the first part of those begins that were asked for; null: there are none.</summary>
    public long? First => _parts.TryPeek(out var first) ? first.Part.From : null;

    /// <summary>Asks for parts from an offset on, behind those that it asks for already, as far as there is memory.</summary>
    public void Fill(long from, long end, int most)
    {
        if (_parts.Count == 0) _next = from;
        while (_parts.Count < most && _next < end && memory.TryTake(options.SegmentBytes))
        {
            var part = new FileRange(_next, Math.Min(_next + options.SegmentBytes, end), file.Validator);
            _parts.Enqueue((part, FetchAsync(part)));
            _next += options.SegmentBytes;
        }
    }

    /// <summary>Waits for the first part and has its bytes used; they are gone afterwards.</summary>
    /// <exception cref="DownloadException">It could not be fetched.</exception>
    public async Task TakeAsync(Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask> use, CancellationToken cancellationToken)
    {
        // It stays the first until it is there: when the caller goes meanwhile, the disposal still knows of it.
        var (part, fetch) = _parts.Peek();
        var bytes = await fetch.WaitAsync(cancellationToken);
        _parts.Dequeue();
        try
        {
            await use(bytes.AsMemory(0, (int)(part.End!.Value - part.From)), cancellationToken);
        }
        finally
        {
            Release(bytes);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        foreach (var (_, fetch) in _parts) await DropAsync(fetch);
        _ended.Dispose();
    }

    // Nobody wants its outcome any more; one that failed has released what it held.
    private async Task DropAsync(Task<byte[]> fetch)
    {
        await ((Task)fetch).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (fetch.IsCompletedSuccessfully) Release(await fetch);
    }

    private async Task<byte[]> FetchAsync(FileRange part)
    {
        var bytes = ArrayPool<byte>.Shared.Rent(options.SegmentBytes);
        try
        {
            var length = (int)(part.End!.Value - part.From);
            var (answer, url) = await client.GetAsync(file.Url, part, _ended.Token);
            using var body = new Body(answer, url, options);
            if (!file.IsPart(answer, part)) throw Answers.Changed(url);
            var filled = await body.FillAsync(bytes.AsMemory(0, length), _ended.Token);
            return filled == length ? bytes : throw Answers.Broke(url, new EndOfStreamException());
        }
        catch
        {
            Release(bytes);
            throw;
        }
    }

    private void Release(byte[] bytes)
    {
        ArrayPool<byte>.Shared.Return(bytes);
        memory.Return(options.SegmentBytes);
    }
}
