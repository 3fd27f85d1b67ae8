using NUnit.Framework;
using Sidecar.CrashTests.Disk;
using Sidecar.CrashTests.Scenarios;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.CrashTests;

/// <summary>The daemon is killed at a file operation of a scenario, before it or after it, and started again.</summary>
internal sealed class KillTests : CrashTest
{
    [Test]
    public async Task Killed_AtAnyOperation_KeepsItsPromisesAndIsUsable(
        [ValueSource(typeof(Scenario), nameof(Scenario.Names))] string name,
        [Values(DiskFault.KillBefore, DiskFault.KillAfter)] DiskFault when)
    {
        var points = Enumerable.Range(1, (int)await CountAsync(name)).ToList();
        foreach (var n in Sample(points))
        {
            using var directory = TestDirectory.Create();
            using var disk = new WatchedDisk(directory.Staging, directory.Path);
            Scenario scenario;
            await using (var sidecar = await StartAsync(directory, disk))
            {
                disk.Arm(when, n);
                scenario = Scenario.Create(name, disk, directory, Deadline);
                await scenario.RunAsync(sidecar);
                await sidecar.KillAsync(); // this time it took fewer operations, or the one that was hit was that of another program
            }

            disk.Disarm();
            await using var restarted = await StartAsync(directory, disk);
            await CheckAsync(restarted, directory, scenario, disk.Count, $"{when} {n}, {disk.HitKind}");
            await CheckUsableAsync(restarted, scenario, $"{when} {n}, {disk.HitKind}");
        }

        Assert.That(Broken, Is.Empty);
    }
}
