using System.Diagnostics;
using Grpc.Core;
using Sidecar.FunctionalTests.Infrastructure;
using Sidecar.SoakTests.Ledger;
using Sidecar.SoakTests.Pods;

namespace Sidecar.SoakTests.Clients;

/// <summary>Calls pods, and holds every answer against what a call may end with.</summary>
internal sealed class Caller(SoakPods pods, Violations violations, Figures figures)
{
    /// <summary>Longer than all that the pods wait for each other, on a machine with too much to do.</summary>
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(90);

    // What any call may meet while other pods are killed, stand still or are drained, or a volume is full.
    private static readonly string[] AnyTime =
    [
        "OWNER_UNREACHABLE", "LOCATE_INCOMPLETE", "OWNER_LOST", "DRAINING", "NO_SPACE", "OVERLOADED",
    ];

    private static readonly KnownErrors Known = KnownErrors.Read();

    /// <summary>Makes a call.</summary>
    /// <param name="name">What is asked, and of what; for the report of a violation.</param>
    /// <param name="expected">Reasons that it may be refused with, beside those that any call may meet.</param>
    public async Task<Answer<T>> AskAsync<T>(
        string name, int pod, Func<SidecarInstance, CancellationToken, Task<T>> call, params string[] expected)
    {
        var changes = pods.Changes(pod);
        if (pods.Find(pod) is not { } sidecar) return await LostAsync<T>(name);
        using var deadline = new CancellationTokenSource(Deadline);
        var watch = Stopwatch.StartNew();
        try
        {
            var value = await call(sidecar, deadline.Token);
            figures.Count(Kind(name));
            return new Answer<T>(value, IsGiven: true, Reason: null);
        }
        catch (RpcException refused) when (KnownErrors.ReasonOf(refused) is { } reason)
        {
            Judge($"{name} at {pod}", reason, refused, expected);
            return new Answer<T>(default, IsGiven: false, reason);
        }
        catch (Exception failure) when (failure
            is RpcException or OperationCanceledException or ObjectDisposedException or InvalidOperationException)
        {
            // A pod that is killed takes its channel with it, which fails in each of these ways.
            if (pods.WasCalm(pod, changes)) Report($"{name} at {pod}", deadline.IsCancellationRequested, watch.Elapsed, failure);
            return await LostAsync<T>(name);
        }
    }

    private void Judge(string name, string reason, RpcException refused, string[] expected)
    {
        figures.Count("refused " + reason);
        if (!Known.Has(reason, refused.StatusCode))
        {
            violations.Add($"the reasons of docs/api.md with their status, by {name}", $"{reason} with {refused.Status}");
        }
        else if (!AnyTime.Contains(reason) && !expected.Contains(reason))
        {
            violations.Add(
                $"{name} succeeds, or is refused for {string.Join(", ", [.. AnyTime, .. expected])}", $"{reason}: {refused.Status.Detail}");
        }
    }

    private void Report(string name, bool isLate, TimeSpan took, Exception failure) => violations.Add(
        isLate ? $"{name} answers within {Deadline}" : $"{name} answers, or is refused with a reason",
        $"after {took} of a pod that nobody disturbed: {failure}");

    private async Task<Answer<T>> LostAsync<T>(string name)
    {
        figures.Count("lost " + Kind(name));
        await Cluster.BetweenLooks(); // a pod that is down would be called without a pause
        return new Answer<T>(default, IsGiven: false, Reason: null);
    }

    // The call without what it is about.
    private static string Kind(string name) => name.Split(' ')[0];
}
