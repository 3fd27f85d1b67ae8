using NUnit.Framework;
using Sidecar.Hosting;
using Sidecar.Tests.Infrastructure;

namespace Sidecar.Tests.Hosting;

internal sealed class SidecarProcessTests
{
    [Test]
    [CancelAfter(60_000)]
    public async Task Host_ThatStopsWithoutASignal_IsAFailure()
    {
        using var directory = new TempDirectory();
        await using var app = SidecarHost.Build(
        [
            "--Staging:Directory", directory["staging"], "--Hosting:SocketPath", directory["sidecar.sock"],
            "--Hosting:LocalAddress", "", "--Hosting:OpsAddress", "",
        ]);
        // As a part of the host does that failed.
        app.Lifetime.ApplicationStarted.Register(app.Lifetime.StopApplication);
        Assert.That(await SidecarProcess.RunAsync(app), Is.EqualTo(SidecarProcess.Failure));
    }
}
