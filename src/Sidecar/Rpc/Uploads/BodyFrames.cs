using System.Buffers;
using System.IO.Pipelines;
using Glance.Sidecar.V1;
using Grpc.Core;
using Sidecar.Ingest.Tickets;
using Sidecar.Staging.Core;

namespace Sidecar.Rpc.Uploads;

/// <summary>
/// The body of a client's request as messages of a Stage call: the header of whoever asks for it, what arrives as chunks, and a
/// finish at the end of the body, which Kestrel tells from a connection that ends early. A chunk is whatever is there when it is
/// asked for; while one is written the next ones pile up, so that a fast client's are large.
/// </summary>
internal sealed class BodyFrames(HeldBody body, StageHeader header, long limit) : IAsyncStreamReader<StageFrame>, IDisposable
{
    private StageFrame? _current;
    private ReadOnlySequence<byte>? _held;
    private bool _atEnd;
    private CancellationToken _caller;
    private CancellationTokenSource? _either;

    public StageFrame Current => _current ?? throw new InvalidOperationException("There is no current message.");

    public static StagingException TooLarge(long limit) => new(
        StagingError.ImageTooLarge, $"The image has more than {limit} bytes, which is the most that is accepted.", ("limit", limit));

    public async Task<bool> MoveNext(CancellationToken cancellationToken)
    {
        GiveBack();
        if (_current is null) _current = new StageFrame { Header = header };
        else if (_atEnd) _current = Finish();
        else await ReadAsync(cancellationToken);
        return true;
    }

    /// <summary>Gives the last chunk's memory back; the reader is whole again.</summary>
    public void Dispose()
    {
        GiveBack();
        _either?.Dispose();
    }

    // Of the image.
    private long Total => (body.ResumeOffset ?? 0) + body.Received;

    private StageFrame Finish() => new() { Finish = new StageFinish { TotalSize = (ulong)Total } };

    private void GiveBack()
    {
        if (_held is not { } buffer) return;
        _held = null;
        body.Reader.AdvanceTo(buffer.End);
    }

    private async Task ReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            // Read on the pool: this is woken by the connection's own loop, which goes on receiving while the bytes are written.
            var read = await ReadAsync(body.Reader, Either(cancellationToken)).ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            _held = read.Buffer;
            _atEnd = read.IsCompleted;
            body.Advance(read.Buffer.Length, read.IsCompleted);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw; // the caller, or it was silent for too long: whoever asked knows
        }
        catch (Exception gone) when (gone is IOException or OperationCanceledException)
        {
            throw HungUp(gone);
        }

        if (Total > limit) throw TooLarge(limit);
        _current = _atEnd && _held.Value.IsEmpty ? Finish() : new StageFrame { IsChunk = true, Data = _held.Value };
    }

    // Made once, as whoever reads gives the same token for every chunk.
    private CancellationToken Either(CancellationToken caller)
    {
        if (_either is not null && caller == _caller) return _either.Token;
        _either?.Dispose();
        _either = CancellationTokenSource.CreateLinkedTokenSource(caller, body.Ended);
        _caller = caller;
        return _either.Token;
    }

    // Not by the token: Kestrel takes a read that a token ended for one that still goes on, and what is left of the body could not be
    // read any more.
    private static async Task<ReadResult> ReadAsync(PipeReader reader, CancellationToken cancellationToken)
    {
        await using var wake = cancellationToken.UnsafeRegister(static reader => ((PipeReader)reader!).CancelPendingRead(), reader);
        var read = await reader.ReadAsync(CancellationToken.None);
        if (!cancellationToken.IsCancellationRequested) return read;
        reader.AdvanceTo(read.Buffer.Start);
        throw new OperationCanceledException(cancellationToken);
    }

    private StagingException HungUp(Exception gone)
    {
        var expected = body.Length is { } length ? $" of {length}" : "";
        var how = gone is BadHttpRequestException ? $"its body is broken: {gone.Message}" : "it hung up";
        return new StagingException(
            StagingError.Unfinished, $"{body.Received}{expected} bytes arrived from the client, then {how.TrimEnd('.')}. Nothing was staged.",
            ("offset", Total));
    }
}
