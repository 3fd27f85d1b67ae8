using System.Net;

namespace Glance.Tests.Harness.Api;

/// <summary>An upload that stops after so many bytes, until it is let go on. Its length is declared.</summary>
internal sealed class StalledContent(byte[] bytes, int stallAt) : HttpContent
{
    private readonly TaskCompletionSource _goOn = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void GoOn() => _goOn.SetResult();

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(
        Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        await stream.WriteAsync(bytes.AsMemory(0, stallAt), cancellationToken);
        await stream.FlushAsync(cancellationToken);
        await _goOn.Task.WaitAsync(cancellationToken);
        await stream.WriteAsync(bytes.AsMemory(stallAt), cancellationToken);
    }

    protected override bool TryComputeLength(out long length)
    {
        length = bytes.Length;
        return true;
    }
}
