using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;
using Sidecar.SoakTests.Clients;
using Sidecar.SoakTests.Ledger;
using Sidecar.SoakTests.Pods;

namespace Sidecar.SoakTests;

/// <summary>
/// Five pods, of which one after another is killed, stands still, is restarted or drained, or whose volume is full, while
/// clients do everything that the API has. A ledger holds what was promised to them; whatever they see is held against it.
/// </summary>
[CancelAfter(86_400_000)]
internal sealed class SoakTests
{
    private const int Clients = 6;
    private const int Disturbers = 2;
    private const long MemoryGrowthBytes = 256 << 20; // what .NET keeps after a burst, on a machine with much memory
    private const int DescriptorGrowth = 64; // connections to peers, which are kept open

    [Test]
    public async Task EverythingAtOnce_KeepsItsPromises()
    {
        var settings = SoakSettings.FromEnvironment();
        TestContext.Progress.WriteLine($"SOAK_SEED={settings.Seed}, {settings.Time}");
        var (violations, figures) = (new Violations(settings.Seed), new Figures());
        await using var pods = await SoakPods.StartAsync();
        var caller = new Caller(pods, violations, figures);
        var before = Use(pods);
        var lives = await LoadAsync(pods, caller, violations, figures, settings);
        TestContext.Progress.WriteLine($"{figures}\nsurvivor before: {before}; after the load: {Use(pods)}");
        await BoundedAsync(pods, before, violations);
        await RestartAllAsync(pods, violations);
        var deadline = TestContext.CurrentContext.CancellationToken;
        await new FinalChecks(pods, caller, violations, figures, deadline).CheckAsync(lives);
        TestContext.Progress.WriteLine($"{figures}, violations {violations.All.Count}");
        Assert.That(violations.All, Is.Empty);
    }

    private static async Task<IReadOnlyList<Life>> LoadAsync(
        SoakPods pods, Caller caller, Violations violations, Figures figures, SoakSettings settings)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(TestContext.CurrentContext.CancellationToken);
        end.CancelAfter(settings.Time);
        var random = new Random(settings.Seed);
        var clients = Enumerable.Range(0, Clients).Select(_ => new Client(caller, pods, violations, figures, random.Next())).ToList();
        var chaos = new Chaos(pods, violations, figures, random.Next());
        var running = clients.Select(client => client.RunAsync(end.Token))
            .Concat(Enumerable.Range(0, Disturbers).Select(loop => chaos.DisturbAsync(loop, end.Token)))
            .Append(chaos.FillAsync(end.Token)).Append(ReportAsync(pods, figures, violations, end.Token));
        await Task.WhenAll(running.Select(task => EndedByAsync(task, end)));
        return [.. clients.SelectMany(client => client.Lives)];
    }

    // For who waits for an hour, and to see by what a failed run was led up to.
    private static async Task ReportAsync(SoakPods pods, Figures figures, Violations violations, CancellationToken end)
    {
        using var minutes = new PeriodicTimer(TimeSpan.FromMinutes(1));
        while (!end.IsCancellationRequested)
        {
            await ((Task)minutes.WaitForNextTickAsync(end).AsTask()).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            TestContext.Progress.WriteLine(
                $"{DateTime.UtcNow:HH:mm:ss} survivor: {Use(pods)}; staged {figures["images staged"]}, imports {figures["imports"]}, "
                + $"violations {violations.All.Count}");
        }
    }

    // One that fails ends all, as the others would go on for an hour.
    private static async Task EndedByAsync(Task task, CancellationTokenSource end)
    {
        try
        {
            await task;
        }
        finally
        {
            await end.CancelAsync();
        }
    }

    private static ProcessUse Use(SoakPods pods) => ProcessUse.Of(pods.Find(SoakPods.Survivor)!.ProcessId);

    private static async Task BoundedAsync(SoakPods pods, ProcessUse before, Violations violations)
    {
        var use = Use(pods);
        for (var patience = DateTime.UtcNow.AddMinutes(2); DateTime.UtcNow < patience; use = Use(pods))
        {
            var hasGrown = use.ResidentBytes > before.ResidentBytes + MemoryGrowthBytes
                || use.Descriptors > before.Descriptors + DescriptorGrowth;
            if (!hasGrown) return;
            await Cluster.BetweenLooks();
        }

        violations.Add($"memory and descriptors of a pod are given back, which had {before} at first", $"{use}");
    }

    private static async Task RestartAllAsync(SoakPods pods, Violations violations)
    {
        for (var pod = 0; pod < SoakPods.Count; pod++)
        {
            var exitCode = await pods.TerminateAsync(pod);
            if (exitCode != 0) violations.Add($"exit code 0 of pod {pod} after SIGTERM", $"{exitCode}");
            await pods.StartAsync(pod);
        }

        await pods.AllReachableAsync();
    }
}
