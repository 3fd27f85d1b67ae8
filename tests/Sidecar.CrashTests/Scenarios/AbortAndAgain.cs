using Glance.Sidecar.V1;
using Sidecar.CrashTests.Disk;
using Sidecar.FunctionalTests.Infrastructure;
using Testing;

namespace Sidecar.CrashTests.Scenarios;

/// <summary>An upload is aborted and a shorter image of the same id is staged: nothing of the first may be in it.</summary>
internal sealed class AbortAndAgain(WatchedDisk disk, CancellationToken deadline) : Scenario(disk, deadline)
{
    public override async Task RunAsync(SidecarInstance sidecar)
    {
        var image = NewImage(Noise(1_200_000, 4));
        using (var connection = SocketChannel.Open(sidecar.Socket))
        using (var stage = Stage(connection))
        {
            await TriedAsync(async () =>
            {
                await stage.HeaderAsync(image.Id);
                await stage.ContentAsync(Noise(2_200_000, 5));
                await stage.CompleteAsync();
                await stage.Result;
            });
        }

        await TriedAsync(async () => await sidecar.Staging.AbortUploadAsync(
            new AbortUploadRequest { ImageId = image.Id }, cancellationToken: Deadline));
        await StageAsync(sidecar, image);
    }
}
