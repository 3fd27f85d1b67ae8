using Sidecar.CrashTests.Disk;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.CrashTests.Scenarios;

/// <summary>One image is staged and stays, another is staged and deleted.</summary>
internal sealed class UploadAndDelete(WatchedDisk disk, CancellationToken deadline) : Scenario(disk, deadline)
{
    public override async Task RunAsync(SidecarInstance sidecar)
    {
        var kept = NewImage(Noise(2_500_000, 1));
        var removed = NewImage(Noise(300_000, 2));
        await StageAsync(sidecar, kept);
        await StageAsync(sidecar, removed);
        await DeleteAsync(sidecar, removed);
    }
}
