using NUnit.Framework;
using Sidecar.CrashTests.Disk;
using Sidecar.CrashTests.Scenarios;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.CrashTests;

/// <summary>
/// The power goes after a file operation of a scenario; what a file system may leave is started from, with another boot id.
/// Everything that was acknowledged before is there.
/// </summary>
internal sealed class PowerLossTests : CrashTest
{
    [Test]
    public async Task PowerLost_AfterAnyOperation_WhatWasAcknowledgedIsThere(
        [ValueSource(typeof(Scenario), nameof(Scenario.Names))] string name, [Values] Survival survival)
    {
        using var directory = TestDirectory.Create();
        using var disk = new WatchedDisk(directory.Staging, directory.Path);
        Scenario scenario;
        await using (var sidecar = await StartAsync(directory, disk))
        {
            scenario = Scenario.Create(name, disk, directory, Deadline);
            await scenario.RunAsync(sidecar);
            await sidecar.KillAsync();
        }

        Assert.That(scenario.Unexplained, Is.Empty);
        var operations = disk.ReadLog();
        foreach (var last in Sample(operations))
        {
            Leave(directory.Staging, PowerLoss.After(operations.TakeWhile(operation => operation.Index <= last.Index), survival));
            using var fresh = TestDirectory.Create();
            using var unrecorded = new WatchedDisk(directory.Staging, fresh.Path);
            await using var sidecar = await StartAsync(directory, unrecorded, otherBoot: true);
            await CheckAsync(sidecar, directory, scenario, last.Index, last.ToString());
        }

        Assert.That(Broken, Is.Empty);
    }

    private static void Leave(string staging, SortedDictionary<string, ReadOnlyMemory<byte>?> files)
    {
        if (Directory.Exists(staging)) Directory.Delete(staging, recursive: true);
        Directory.CreateDirectory(staging);
        foreach (var (path, content) in files.Where(file => file.Key.Length > 0))
        {
            var target = Path.Combine(staging, path);
            if (content is { } bytes) File.WriteAllBytes(target, bytes.Span);
            else Directory.CreateDirectory(target);
        }
    }
}
