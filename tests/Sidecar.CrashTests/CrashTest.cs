using System.Collections.Concurrent;
using System.Globalization;
using Glance.Sidecar.V1;
using Grpc.Core;
using NUnit.Framework;
using Sidecar.CrashTests.Disk;
using Sidecar.CrashTests.Scenarios;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.CrashTests;

/// <summary>
/// What the crash tests share. Each tries a scenario at many points, of which a run takes a sample: <c>CRASH_SEED</c> is its
/// seed, printed with every failure, and <c>CRASH_ALL=1</c> takes all points.
/// </summary>
[CancelAfter(3_600_000)]
internal abstract class CrashTest : SidecarTest
{
    private const int SampledPoints = 3;

    private static readonly bool All = Environment.GetEnvironmentVariable("CRASH_ALL") == "1";

    private static readonly int Seed = int.TryParse(
        Environment.GetEnvironmentVariable("CRASH_SEED"), CultureInfo.InvariantCulture, out var seed) ? seed : Environment.TickCount;

    // What all tests of a scenario begin with.
    private static readonly ConcurrentDictionary<string, Lazy<Task<long>>> Counts = new();

    private readonly HashSet<string> _otherVolumes = [];

    protected List<string> Broken { get; } = [];

    [TearDown]
    public void SayHowToRepeat()
    {
        foreach (var volume in _otherVolumes) Directory.Delete(volume, recursive: true);
        TestContext.Out.WriteLine($"CRASH_SEED={Seed}");
    }

    protected static IEnumerable<T> Sample<T>(IReadOnlyList<T> points)
    {
        if (All) return points;
        var random = new Random(Seed);
        return points.OrderBy(_ => random.Next()).Take(SampledPoints).ToList();
    }

    protected async Task<SidecarInstance> StartAsync(TestDirectory directory, WatchedDisk disk, bool otherBoot = false)
    {
        var otherVolume = Adoption.OtherVolume(directory);
        if (_otherVolumes.Add(otherVolume)) Directory.CreateDirectory(otherVolume);
        var sidecar = await SidecarInstance.StartUnderAsync(
            disk.Launcher(otherBoot), directory.Path,
            [.. Scenario.Settings, "--Staging:AdoptDirectories:0", directory.Staging, "--Staging:AdoptDirectories:1", otherVolume]);
        sidecar.ExpectsErrors = true;
        return sidecar;
    }

    /// <summary>Runs a scenario whose disk does nothing wrong; answers how many operations it took.</summary>
    protected Task<long> CountAsync(string name) => Counts.GetOrAdd(name, _ => new Lazy<Task<long>>(() => RunAndCountAsync(name))).Value;

    private async Task<long> RunAndCountAsync(string name)
    {
        using var directory = TestDirectory.Create();
        using var disk = new WatchedDisk(directory.Staging, directory.Path);
        await using var sidecar = await StartAsync(directory, disk);
        var before = disk.Count;
        await Scenario.Create(name, disk, directory, Deadline).RunAsync(sidecar);
        return disk.Count - before;
    }

    protected async Task CheckAsync(SidecarInstance sidecar, TestDirectory directory, Scenario scenario, long point, string when)
    {
        try
        {
            var broken = await new Promises(sidecar, directory, point, Deadline).CheckAsync(scenario.Lives);
            Broken.AddRange(broken.Select(line => $"{when}: {line}"));
        }
        catch (RpcException failure)
        {
            Broken.Add($"{when}: cannot be asked: {failure.Status}");
        }
    }

    /// <summary>Nothing is stuck: each image can be deleted and staged again, and all space is given back.</summary>
    protected async Task CheckUsableAsync(SidecarInstance sidecar, Scenario scenario, string when)
    {
        try
        {
            foreach (var life in scenario.Lives)
            {
                await sidecar.Staging.DeleteImageAsync(new DeleteImageRequest { ImageId = life.Id }, cancellationToken: Deadline);
                await StageAsync(sidecar, life.Id, life.Content);
                if (!(await ReadAsync(sidecar, life.Id)).AsSpan().SequenceEqual(life.Content)) Broken.Add($"{when}: staged again, and has other bytes");
                await sidecar.Staging.DeleteImageAsync(new DeleteImageRequest { ImageId = life.Id }, cancellationToken: Deadline);
            }

            var capacity = await sidecar.Staging.GetCapacityAsync(new GetCapacityRequest(), cancellationToken: Deadline);
            if (capacity.ReservedBytes != 0) Broken.Add($"{when}: {capacity.ReservedBytes} bytes stay reserved");
        }
        catch (RpcException stuck)
        {
            Broken.Add($"{when}: stuck: {stuck.Status}");
        }
    }
}
