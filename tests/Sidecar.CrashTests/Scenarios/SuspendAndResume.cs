using Sidecar.CrashTests.Disk;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.CrashTests.Scenarios;

/// <summary>An upload that is broken off twice and resumed where it was.</summary>
internal sealed class SuspendAndResume(WatchedDisk disk, CancellationToken deadline) : Scenario(disk, deadline)
{
    public override async Task RunAsync(SidecarInstance sidecar)
    {
        var image = NewImage(Noise(2_800_000, 3));
        if (await SuspendAsync(sidecar, image, 2_300_000) is { } received) await StageAsync(sidecar, image, received);
    }
}
