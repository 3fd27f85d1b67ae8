using System.Net;

namespace Grpc.Tests.Hosting;

/// <summary>A request body that sends its beginning and then never ends.</summary>
internal sealed class EndlessContent(byte[] beginning, CancellationToken until) : HttpContent
{
    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
    {
        await stream.WriteAsync(beginning, until);
        await stream.FlushAsync(until);
        await Task.Delay(Timeout.InfiniteTimeSpan, until);
    }

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }
}
