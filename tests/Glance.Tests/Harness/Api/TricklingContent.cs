using System.Net;

namespace Glance.Tests.Harness.Api;

/// <summary>An upload that sends so many bytes, then single ones at times until something else has ended, and then the rest.</summary>
internal sealed class TricklingContent(byte[] bytes, int fast, Task until) : HttpContent
{
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(200);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
    {
        await stream.WriteAsync(bytes.AsMemory(0, fast));
        var sent = fast;
        while (!until.IsCompleted)
        {
            await stream.FlushAsync();
            await Task.WhenAny(until, Task.Delay(Pace));
            await stream.WriteAsync(bytes.AsMemory(sent++, 1));
        }

        await stream.WriteAsync(bytes.AsMemory(sent));
    }

    protected override bool TryComputeLength(out long length)
    {
        length = bytes.Length;
        return true;
    }
}
