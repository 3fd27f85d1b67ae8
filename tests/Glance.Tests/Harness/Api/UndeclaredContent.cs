using System.Net;

namespace Glance.Tests.Harness.Api;

/// <summary>An upload without a length, which travels in chunks.</summary>
internal sealed class UndeclaredContent(byte[] bytes) : HttpContent
{
    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        await stream.WriteAsync(bytes);

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }
}
