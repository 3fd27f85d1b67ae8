using Glance.Sidecar.V1;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Sidecar.SoakTests.Ledger;

namespace Sidecar.SoakTests.Pods;

/// <summary>
/// What goes wrong with pods: killed, standing still, restarted, drained, their volume full. Two of these loops may have two
/// pods down at a time; no two have the same one.
/// </summary>
internal sealed class Chaos(SoakPods pods, Violations violations, Figures figures, int seed)
{
    private const int LongestStillMilliseconds = 5000; // longer than Peers:ConnectTimeout and Peers:LocateTimeout
    private const int LongestDownMilliseconds = 1500;
    private const int LongestCalmMilliseconds = 4000;
    private const int LongestFreeMilliseconds = 10_000;

    private static readonly TimeSpan DrainGrace = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan DrainDeadline = TimeSpan.FromMinutes(5); // each image may wait for a peer that is down

    private readonly SemaphoreSlim[] _turns = [.. Enumerable.Range(0, SoakPods.Count).Select(_ => new SemaphoreSlim(1))];

    /// <summary>Disturbs one pod after another, until the end; leaves all of them running.</summary>
    public async Task DisturbAsync(int loop, CancellationToken end)
    {
        var random = new Random(HashCode.Combine(seed, loop));
        // Most of the time only one pod is away: when two are, hardly a call can be answered for sure.
        while (await PauseAsync(random, LongestCalmMilliseconds * (1 + (2 * loop)), end))
        {
            var pod = random.Next(SoakPods.Count);
            await _turns[pod].WaitAsync(CancellationToken.None);
            try
            {
                await DisturbAsync(pod, random, end);
            }
            finally
            {
                _turns[pod].Release();
            }
        }
    }

    /// <summary>Fills and frees the small volume, until the end; leaves it free.</summary>
    public async Task FillAsync(CancellationToken end)
    {
        var random = new Random(HashCode.Combine(seed, "fill"));
        while (await PauseAsync(random, LongestFreeMilliseconds, end))
        {
            figures.Count("full disks");
            pods.Volume.Fill();
            await PauseAsync(random, LongestStillMilliseconds, end);
            pods.Volume.Free();
        }
    }

    private Task DisturbAsync(int pod, Random random, CancellationToken end) => pod == SoakPods.Survivor
        ? StandStillAsync(pod, random)
        : random.Next(10) switch
        {
            < 4 => KillAsync(pod, random),
            < 7 => StandStillAsync(pod, random),
            < 9 => RestartAsync(pod, random),
            _ => DrainAsync(pod, random, end),
        };

    private Task KillAsync(int pod, Random random) => pods.DisturbAsync(pod, "kill", async () =>
    {
        figures.Count("kills");
        await pods.KillAsync(pod);
        await PauseAsync(random, LongestDownMilliseconds, CancellationToken.None);
        await pods.StartAsync(pod);
    });

    private Task StandStillAsync(int pod, Random random) => pods.DisturbAsync(pod, "stop", async () =>
    {
        figures.Count("stops");
        pods.Find(pod)!.Signal("STOP");
        await PauseAsync(random, LongestStillMilliseconds, CancellationToken.None);
        pods.Find(pod)!.Signal("CONT");
    });

    private Task RestartAsync(int pod, Random random) => pods.DisturbAsync(pod, "restart", async () =>
    {
        figures.Count("restarts");
        var exitCode = await pods.TerminateAsync(pod);
        if (exitCode != 0) violations.Add($"exit code 0 of pod {pod} after SIGTERM", $"{exitCode}");
        await PauseAsync(random, LongestDownMilliseconds, CancellationToken.None);
        await pods.StartAsync(pod);
    });

    // The pod answers while it drains, so that it does not count as disturbed before it is stopped.
    private async Task DrainAsync(int pod, Random random, CancellationToken end)
    {
        figures.Count("drains");
        pods.DrainBegins(pod);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(end);
        patience.CancelAfter(random.Next(3) == 0 ? TimeSpan.FromMilliseconds(random.Next(4000)) : DrainDeadline);
        var request = new DrainRequest { Grace = DrainGrace.ToDuration() };
        try
        {
            using var drain = pods.Find(pod)!.Peers.Drain(request, cancellationToken: patience.Token);
            var last = new Drain();
            await foreach (var change in drain.ResponseStream.ReadAllAsync(patience.Token)) last = change.Drain;
            if (last.State != Drain.Types.State.Done) violations.Add($"pod {pod} is drained when Drain ends", $"{last}");
            figures.Count("images handed over", (long)last.ImagesMoved);
            figures.Count("drains to their end");
        }
        catch (Exception cut) when (patience.IsCancellationRequested && cut is RpcException or OperationCanceledException)
        {
            // It is killed in the middle.
        }

        await (random.Next(2) == 0 ? KillAsync(pod, random) : RestartAsync(pod, random));
    }

    // What happens in between is what a soak is for: these are no waits for anything.
    private static async Task<bool> PauseAsync(Random random, int longestMilliseconds, CancellationToken end)
    {
        await Task.Delay(random.Next(longestMilliseconds), end).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return !end.IsCancellationRequested;
    }
}
