using System.IO.Pipelines;
using System.Net;

namespace Sidecar.FunctionalTests.Calls;

/// <summary>
/// A body that a test writes while the call runs, each part sent at once. A server that has answered takes no more, which
/// is no failure of the call.
/// </summary>
internal sealed class PipedContent(PipeReader parts) : HttpContent
{
    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(
        Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        try
        {
            await stream.FlushAsync(cancellationToken); // the headers
            await parts.CopyToAsync(new FlushingStream(stream), cancellationToken);
        }
        catch (Exception over) when (over is OperationCanceledException or IOException)
        {
            // Answered, or given up by the test.
        }
    }

    private sealed class FlushingStream(Stream inner) : MemoryStream
    {
        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await inner.WriteAsync(buffer, cancellationToken);
            await inner.FlushAsync(cancellationToken);
        }
    }
}
