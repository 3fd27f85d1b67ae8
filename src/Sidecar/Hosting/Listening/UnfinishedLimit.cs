using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;

namespace Sidecar.Hosting.Listening;

/// <summary>
/// Closes a connection that holds more than a little of what it has not finished sending. Kestrel has one largest frame for all
/// listeners, a mebibyte for uploads; where anybody may connect and ask short questions, each unfinished frame would cost as much.
/// </summary>
internal static class UnfinishedLimit
{
    /// <summary>Four frames of the size that clients send unless they are told of a larger one.</summary>
    public const int MostBytes = 64 << 10;

    public static void Apply(ConnectionContext connection) =>
        connection.Transport = new Pipe(new Reader(connection.Transport.Input, connection), connection.Transport.Output);

    private sealed class Pipe(PipeReader input, PipeWriter output) : IDuplexPipe
    {
        public PipeReader Input => input;

        public PipeWriter Output => output;
    }

    private sealed class Reader(PipeReader inner, ConnectionContext connection) : PipeReader
    {
        private ReadOnlySequence<byte> _read;

        public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
        {
            var result = await inner.ReadAsync(cancellationToken);
            _read = result.Buffer;
            return result;
        }

        public override bool TryRead(out ReadResult result)
        {
            if (!inner.TryRead(out result)) return false;
            _read = result.Buffer;
            return true;
        }

        public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

        // What is whole was consumed by now.
        public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
        {
            var isTooMuch = _read.Slice(consumed).Length > MostBytes;
            _read = default;
            inner.AdvanceTo(consumed, examined);
            if (isTooMuch) connection.Abort(new ConnectionAbortedException($"More than {MostBytes} bytes are not finished."));
        }

        public override void CancelPendingRead() => inner.CancelPendingRead();

        public override void Complete(Exception? exception = null) => inner.Complete(exception);
    }
}
