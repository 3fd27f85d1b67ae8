using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Grpc.Wire;

namespace Grpc.Client;

/// <summary>
/// The messages of a response. Its memory goes back to the pool when it is closed, but never under a read that is
/// still writing into it: whichever of the two comes last gives it back.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "closed by Close, which may have to wait for a read")]
internal sealed class ResponseBody
{
    private const int Idle = 0;
    private const int Reading = 1;
    private const int Closed = 2;

    // As much as one read may bring; larger messages are chained from several.
    private const int SegmentBytes = 64 * 1024;

    private readonly PipeReader _pipe;
    private readonly MessageReader _messages;
    private int _state;

    public ResponseBody(Stream body, int? maxMessageBytes, string? encoding, bool keepsPayload)
    {
        _pipe = PipeReader.Create(body, new StreamPipeReaderOptions(bufferSize: SegmentBytes, leaveOpen: true));
        _messages = new MessageReader(_pipe, maxMessageBytes, encoding) { KeepsPayload = keepsPayload };
    }

    public MessageReader Messages => _messages;

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<bool> MoveNextAsync(CancellationToken cancellationToken)
    {
        switch (Interlocked.CompareExchange(ref _state, Reading, Idle))
        {
            case Reading:
                throw new InvalidOperationException("A MoveNext is under way: await it before the next one.");
            case Closed:
                return false;
        }

        try
        {
            return await _messages.MoveNextAsync(cancellationToken);
        }
        finally
        {
            if (Interlocked.CompareExchange(ref _state, Idle, Reading) == Closed)
                GiveBack();
        }
    }

    public void Close()
    {
        if (Interlocked.Exchange(ref _state, Closed) == Idle)
            GiveBack();
    }

    private void GiveBack()
    {
        _messages.Release();
        _pipe.Complete();
    }
}
