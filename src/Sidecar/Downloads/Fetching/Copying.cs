using System.Buffers;
using Sidecar.Downloads.Core;
using Sidecar.Downloads.Servers;
using Sidecar.Staging.Uploads;

namespace Sidecar.Downloads.Fetching;

/// <summary>Brings the bytes of a file into its upload, in their order, over one connection or over several.</summary>
internal sealed class Copying(
    FileClient client, RemoteFile file, UploadWriter writer, long maxBytes, DownloadMetrics metrics, DownloadsOptions options)
{
    private const int BufferBytes = 256 << 10;

    /// <summary>Copies all that is missing, of an answer that begins at the upload's offset.</summary>
    /// <exception cref="DownloadException">SourceBroke, SourceChanged, SourceTooLarge and whatever a request ends with.</exception>
    public async Task RunAsync(Body body, int connections, ReadAheadMemory memory, CancellationToken cancellationToken)
    {
        if (file is { HasRanges: true, Length: { } length } && connections > 1
            && length - writer.ReceivedOffset > 2L * options.SegmentBytes)
        {
            await CopyPartsAsync(body, length, connections, memory, cancellationToken);
        }
        else
        {
            await CopyAsync(body, file.Length, cancellationToken);
        }
    }

    // The first answer has all of the file, and is used until the first part that was fetched ahead is there to be written. A part
    // that nobody fetched, as there was no memory for it, is had in the same way again, by an answer that is read as it is written.
    private async Task CopyPartsAsync(
        Body first, long length, int connections, ReadAheadMemory memory, CancellationToken cancellationToken)
    {
        await using var ahead = new ReadAhead(client, file, memory, options);
        var body = first;
        try
        {
            while (writer.ReceivedOffset is var at && at < length)
            {
                if (ahead.First == at)
                {
                    body?.Dispose();
                    body = null;
                    ahead.Fill(at, length, connections);
                    await ahead.TakeAsync(AppendAsync, cancellationToken);
                    continue;
                }

                var end = Math.Min(at + options.SegmentBytes, length);
                ahead.Fill(end, length, connections - 1);
                body ??= await OpenAsync(new FileRange(at, null, file.Validator), cancellationToken);
                await CopyAsync(body, end, cancellationToken);
            }
        }
        finally
        {
            body?.Dispose();
        }
    }

    private async Task<Body> OpenAsync(FileRange part, CancellationToken cancellationToken)
    {
        var (answer, url) = await client.GetAsync(file.Url, part, cancellationToken);
        if (file.IsPart(answer, part)) return new Body(answer, url, options);
        answer.Dispose();
        throw Answers.Changed(url);
    }

    private async Task CopyAsync(Body body, long? end, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            while (end is null || writer.ReceivedOffset < end)
            {
                var wanted = (int)Math.Min(BufferBytes, (end ?? long.MaxValue) - writer.ReceivedOffset);
                var filled = await body.FillAsync(buffer.AsMemory(0, wanted), cancellationToken);
                if (filled == 0 && end is null) return;
                if (filled == 0) throw Answers.Broke(file.Url, new EndOfStreamException());
                await AppendAsync(buffer.AsMemory(0, filled), cancellationToken);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async ValueTask AppendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        if (writer.ReceivedOffset + bytes.Length > maxBytes) throw Answers.TooLarge(file.Url, maxBytes);
        for (; !bytes.IsEmpty; bytes = bytes[Math.Min(BufferBytes, bytes.Length)..])
        {
            var block = bytes[..Math.Min(BufferBytes, bytes.Length)];
            writer.Append(new ReadOnlySequence<byte>(block), writer.ReceivedOffset, null);
            metrics.Received(block.Length);
            await writer.KeepPaceAsync(cancellationToken);
        }
    }
}
