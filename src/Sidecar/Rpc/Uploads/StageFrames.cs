using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using Grpc.Core;

namespace Sidecar.Rpc.Uploads;

/// <summary>
/// The messages of one Stage call, taken from the request's body one at a time without copying them: a chunk's bytes are
/// slices of the pipe until the next one is asked for. The server's own reader copies each message into an array of its
/// own, which costs half as much CPU again as all the rest, and a megabyte of garbage for every megabyte.
/// </summary>
/// <remarks>
/// It stands on the body being untouched until the handler reads it, which holds for client-streaming calls and is no
/// promise of the package: an upgrade has to pass the upload tests. A message that has not arrived in whole is examined
/// but not consumed, which keeps the client's window open; the limit, checked as soon as the length is known, bounds what
/// piles up that way.
/// </remarks>
internal sealed class StageFrames : IAsyncStreamReader<StageFrame>, IDisposable
{
    /// <summary>Before each message: a compressed flag and the message's length (gRPC over HTTP/2).</summary>
    private const int PrefixBytes = 5;

    // Far longer than it takes; only a bound.
    private static readonly TimeSpan TokenPatience = TimeSpan.FromSeconds(1);

    private readonly PipeReader _body;
    private readonly CancellationToken _callerGone;
    private readonly int _maxMessageBytes;
    private StageFrame? _current;
    private SequencePosition _end;
    private bool _held;

    /// <param name="callerGone">Fires when the call is over for its client.</param>
    public StageFrames(PipeReader body, int maxMessageBytes, CancellationToken callerGone)
    {
        _body = body;
        _maxMessageBytes = maxMessageBytes;
        _callerGone = callerGone;
    }

    public StageFrame Current => _current ?? throw new InvalidOperationException("There is no current message.");

    /// <summary>Whether a request's messages come as they are; others are for the server's own reader to decode.</summary>
    public static bool CanRead(HttpRequest request) =>
        request.Headers["grpc-encoding"].ToString() is "" or "identity";

    /// <summary>Waits for a whole message; false at the end of the body.</summary>
    /// <exception cref="RpcException">RESOURCE_EXHAUSTED over the limit, INTERNAL for what is no message.</exception>
    /// <exception cref="OperationCanceledException">The client is gone, or the token fired.</exception>
    public Task<bool> MoveNext(CancellationToken cancellationToken) => MoveNextAsync(cancellationToken);

    /// <summary>Gives the last message's memory back.</summary>
    public void Dispose()
    {
        _current = null;
        if (!_held) return;
        _held = false;
        _body.AdvanceTo(_end);
    }

    private async Task<bool> MoveNextAsync(CancellationToken cancellationToken)
    {
        Dispose();
        try
        {
            while (true)
            {
                var read = await _body.ReadAsync(cancellationToken);
                if (TryTake(read.Buffer)) return true;
                _body.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                if (!read.IsCompleted) continue;
                return read.Buffer.IsEmpty ? false : throw Broken("The body ends within a message.");
            }
        }
        catch (IOException gone) when (gone is not BadHttpRequestException)
        {
            // Kestrel fails the read a moment before it fires its token. A handler that looks at the token to learn why
            // it was interrupted must not see it at rest.
            await Task.Delay(TokenPatience, _callerGone).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw new OperationCanceledException("The client gave up the call.", gone, _callerGone);
        }
    }

    private bool TryTake(in ReadOnlySequence<byte> buffer)
    {
        try
        {
            if (buffer.Length < PrefixBytes) return false;
            var length = ReadPrefix(buffer.Slice(0, PrefixBytes));
            if (buffer.Length - PrefixBytes < length) return false;
            var message = buffer.Slice(PrefixBytes, length);
            _current = Parse(message);
            _end = message.End;
            _held = true;
            return true;
        }
        catch
        {
            // The call is over; the one AdvanceTo that this read owes must still happen.
            _body.AdvanceTo(buffer.End);
            throw;
        }
    }

    private long ReadPrefix(in ReadOnlySequence<byte> prefix)
    {
        Span<byte> bytes = stackalloc byte[PrefixBytes];
        prefix.CopyTo(bytes);
        if (bytes[0] != 0)
        {
            throw Broken(bytes[0] == 1
                ? "A message is marked as compressed, in a call without grpc-encoding."
                : $"{bytes[0]} is not a compressed flag; allowed: 0 and 1.");
        }

        var length = BinaryPrimitives.ReadUInt32BigEndian(bytes[1..]);
        return length <= _maxMessageBytes ? length : throw new RpcException(new Status(
            StatusCode.ResourceExhausted,
            $"A message has {length} bytes, more than the limit of {_maxMessageBytes} (Rpc:MaxMessageBytes). "
            + "Send smaller chunks."));
    }

    private static StageFrame Parse(in ReadOnlySequence<byte> message)
    {
        try
        {
            return StageFrameParser.Parse(message);
        }
        catch (Exception malformed) when (malformed is InvalidDataException or Google.Protobuf.InvalidProtocolBufferException)
        {
            throw Broken("A message is not a glance.sidecar.v1.StageRequest.");
        }
    }

    private static RpcException Broken(string detail) => new(new Status(StatusCode.Internal, detail));
}
