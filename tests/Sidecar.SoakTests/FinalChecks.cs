using Glance.Sidecar.V1;
using Grpc.Core;
using Sidecar.FunctionalTests.Infrastructure;
using Sidecar.SoakTests.Clients;
using Sidecar.SoakTests.Ledger;
using Sidecar.SoakTests.Pods;
using ImportMessage = Glance.Sidecar.V1.Import;

namespace Sidecar.SoakTests;

/// <summary>What holds when the clients are gone, and all pods run and reach each other.</summary>
internal sealed class FinalChecks(SoakPods pods, Caller caller, Violations violations, Figures figures, CancellationToken deadline)
{
    private readonly Random _random = new(1);

    public async Task CheckAsync(IReadOnlyList<Life> lives)
    {
        await UntilAsync("no import waits or runs for ever", UnfinishedImportsAsync);
        var reads = new Reads(caller, pods, violations, figures, _random);
        var deletes = new Deletes(caller, figures, _random);
        foreach (var life in lives)
        {
            await CheckAsync(life, reads);
            // What is told as deleted everywhere is gone without a further word.
            if (life.Promise == Promise.Deleted && life is { MayReturn: false, WasBrought: false }) continue;
            await deletes.DeleteAsync(life);
            if (life.Promise == Promise.Deleted && !life.IsPending) continue;
            violations.Add($"DeleteImage works when all pods run: {life}", life.IsPending ? "peers are still to be told" : "no answer");
        }

        await UntilAsync("nothing is left on the volumes when all images are deleted", LeftoversAsync);
        await UntilAsync("no space is reserved when nothing goes on", ReservedAsync);
    }

    private async Task CheckAsync(Life life, Reads reads)
    {
        if (life.IsPending)
        {
            await UntilAsync($"peers are told of a deletion when they are back: {life}", () => Task.FromResult(StillThere(life)));
        }

        life.IsPending = false;
        await reads.ReadAsync(life);
        if (life.IsImported) await reads.ReadOutputAsync(life);
        life.Forget();
    }

    private List<string> StillThere(Life life) => life.MayReturn ? [] :
    [
        .. Enumerable.Range(0, SoakPods.Count).Select(pod => Path.Combine(pods.Staging(pod), life.Id)).Where(File.Exists),
    ];

    private async Task<List<string>> UnfinishedImportsAsync()
    {
        var unfinished = new List<string>();
        for (var pod = 0; pod < SoakPods.Count; pod++)
        {
            using var list = pods.Find(pod)!.Imports.ListImports(new ListImportsRequest(), cancellationToken: deadline);
            await foreach (var import in list.ResponseStream.ReadAllAsync(deadline))
            {
                var isUnfinished = import.State is ImportMessage.Types.State.Queued or ImportMessage.Types.State.Running;
                if (isUnfinished) unfinished.Add($"{pod}: {import}");
            }
        }

        return unfinished;
    }

    private Task<List<string>> LeftoversAsync() => Task.FromResult(
        Enumerable.Range(0, SoakPods.Count).SelectMany(pod => pods.Leftovers(pod).Select(file => $"{pod}/{file}")).ToList());

    private async Task<List<string>> ReservedAsync()
    {
        var reserved = new List<string>();
        for (var pod = 0; pod < SoakPods.Count; pod++)
        {
            var capacity = await pods.Find(pod)!.Staging.GetCapacityAsync(new GetCapacityRequest(), cancellationToken: deadline);
            if (capacity is not { ReservedBytes: 0, StagedImages: 0, ActiveUploads: 0 }) reserved.Add($"{pod}: {capacity}");
        }

        return reserved;
    }

    // Asks until there is nothing to tell any more.
    private async Task UntilAsync(string promised, Func<Task<List<string>>> ask)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(deadline);
        patience.CancelAfter(TimeSpan.FromMinutes(1));
        while (await ask() is { Count: > 0 } wrong)
        {
            if (patience.IsCancellationRequested)
            {
                violations.Add(promised, string.Join("\n  ", wrong));
                return;
            }

            await Cluster.BetweenLooks();
        }
    }
}
