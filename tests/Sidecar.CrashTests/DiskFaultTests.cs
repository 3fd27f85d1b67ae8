using NUnit.Framework;
using Sidecar.CrashTests.Disk;
using Sidecar.CrashTests.Scenarios;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.CrashTests;

/// <summary>
/// One file operation of a scenario fails, or all from one on, or a write is cut short. No other image is harmed, nothing
/// that was refused is there, nothing is stuck: neither now that the disk works again nor after a restart.
/// </summary>
internal sealed class DiskFaultTests : CrashTest
{
    private const int Eio = 5, Eacces = 13, Enospc = 28, Edquot = 122;

    [Test]
    public async Task OperationFails_OnlyThatCallIsRefused(
        [ValueSource(typeof(Scenario), nameof(Scenario.Names))] string name, [Values(Eio, Eacces, Enospc, Edquot)] int error) =>
        await TryAsync(name, DiskFault.FailOne, error);

    [Test]
    public async Task DiskIsAway_ForAWhile_NothingIsStuck(
        [ValueSource(typeof(Scenario), nameof(Scenario.Names))] string name) => await TryAsync(name, DiskFault.FailFrom, Eio);

    [Test]
    public async Task WriteIsCutShort_NothingIsLost(
        [ValueSource(typeof(Scenario), nameof(Scenario.Names))] string name) => await TryAsync(name, DiskFault.HalfWrite, 0);

    private async Task TryAsync(string name, DiskFault fault, int error)
    {
        foreach (var n in Sample(Enumerable.Range(1, (int)await CountAsync(name)).ToList()))
        {
            using var directory = TestDirectory.Create();
            using var disk = new WatchedDisk(directory.Staging, directory.Path);
            Scenario scenario;
            string when;
            await using (var sidecar = await StartAsync(directory, disk))
            {
                disk.Arm(fault, n, error);
                scenario = Scenario.Create(name, disk, directory, Deadline);
                await scenario.RunAsync(sidecar);
                disk.Disarm();
                when = $"{fault} {n}, {disk.HitKind}";
                await CheckNowAsync(sidecar, directory, scenario, disk, fault, when);
                await sidecar.KillAsync();
            }

            await using var restarted = await StartAsync(directory, disk);
            await CheckAsync(restarted, directory, scenario, disk.Count, $"{when}, restarted");
            await CheckUsableAsync(restarted, scenario, $"{when}, restarted");
        }

        Assert.That(Broken, Is.Empty);
    }

    private async Task CheckNowAsync(
        SidecarInstance sidecar, TestDirectory directory, Scenario scenario, WatchedDisk disk, DiskFault fault, string when)
    {
        Broken.AddRange(scenario.Unexplained.Select(status => $"{when}: {status}"));
        // Before the promises are checked, which finishes an upload that was suspended.
        // A disk that is away cannot take back what was half committed; the caller is told DISK_FAILED and has to look.
        foreach (var life in scenario.Lives.Where(life => life.IsRefused && fault != DiskFault.FailFrom))
        {
            if (File.Exists(Path.Combine(directory.Staging, life.Id))) Broken.Add($"{when}: was refused, and is there");
        }

        await CheckAsync(sidecar, directory, scenario, disk.Count, when);
    }
}
