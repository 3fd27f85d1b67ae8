using System.Buffers;
using System.IO.Pipelines;

namespace Sidecar.HotPaths;

/// <summary>The body of a client that is always ahead: whenever it is read, the same bytes are there.</summary>
internal sealed class FullBody(ReadOnlySequence<byte> bytes) : PipeReader
{
    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default) =>
        ValueTask.FromResult(new ReadResult(bytes, isCanceled: false, isCompleted: false));

    public override bool TryRead(out ReadResult result)
    {
        result = new ReadResult(bytes, isCanceled: false, isCompleted: false);
        return true;
    }

    public override void AdvanceTo(SequencePosition consumed)
    {
    }

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
    }

    public override void CancelPendingRead()
    {
    }

    public override void Complete(Exception? exception = null)
    {
    }
}
