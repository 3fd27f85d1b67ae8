using System.IO.Pipelines;
using System.Net;
using System.Net.Http.Headers;
using Grpc.Wire;

namespace Grpc.Client;

/// <summary>
/// The body of a call's request: open until <see cref="Complete"/> (half-close) or until the call is over.
/// </summary>
internal sealed class RequestBody : HttpContent
{
    // Two full HTTP/2 frames of the handler's: fewer turns for large messages, little waste for small ones.
    private const int SegmentBytes = 32 * 1024;

    private static readonly StreamPipeWriterOptions PipeOptions = new(minimumBufferSize: SegmentBytes, leaveOpen: true);

    private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _completed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Action<PipeWriter>? _writeSingle;
    private readonly CancellationToken _callOver;
    private PipeWriter? _pipe;
    private bool _used;

    /// <summary>With <paramref name="writeSingle"/> the body is one message, written each time that the handler asks
    /// for the body (it may, when a connection goes away before it took the request).</summary>
    public RequestBody(Action<PipeWriter>? writeSingle, CancellationToken callOver)
    {
        _writeSingle = writeSingle;
        _callOver = callOver;
        Headers.ContentType = new MediaTypeHeaderValue(HeaderNames.ContentType);
    }

    /// <summary>Waits until the connection takes the body.</summary>
    public async ValueTask<PipeWriter> OpenAsync()
    {
        await _opened.Task.WaitAsync(_callOver);
        _used = true;
        return _pipe!;
    }

    public void Complete() => _completed.TrySetResult();

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(
        Stream stream,
        TransportContext? context,
        CancellationToken cancellationToken)
    {
        if (_used)
            throw new InvalidOperationException("A stream of requests cannot be sent again.");

        var pipe = _pipe = PipeWriter.Create(stream, PipeOptions);
        if (_writeSingle is not null)
        {
            _writeSingle(pipe);
        }
        else
        {
            // The headers leave now: the server may answer before the first request.
            await stream.FlushAsync(cancellationToken);
            _opened.TrySetResult();
            await _completed.Task.WaitAsync(_callOver);
        }

        await pipe.FlushAsync(cancellationToken);
        await pipe.CompleteAsync();
    }

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }
}
