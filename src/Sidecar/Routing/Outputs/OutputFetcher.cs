using Glance.Sidecar.V1;
using Grpc.Core;
using Sidecar.Import.Core;
using Sidecar.Peers.Core;
using Peer = Sidecar.Peers.Membership.Peer;
using StageProgress = Glance.Sidecar.V1.StageProgress;

namespace Sidecar.Routing.Outputs;

/// <summary>
/// Fetches the output of an import that ran on another pod to this one, and reports it to the caller as a stage.
/// </summary>
internal sealed class OutputFetcher(FetchedOutputs outputs, PodIdentity self, TimeProvider clock)
{
    private const string Name = "output_transfer";

    // As the progress of an import.
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);

    /// <summary>Fetches the output; the last event has its path on this pod's volume.</summary>
    /// <param name="import">As its owner told it, in state SUCCEEDED.</param>
    /// <exception cref="Exception">As <see cref="FetchedOutputs.FetchAsync"/>; no success was reported then.</exception>
    public async Task RunAsync(
        Peer owner, Glance.Sidecar.V1.Import import, IServerStreamWriter<ImportEvent> responses, CancellationToken callerGone)
    {
        var started = clock.GetTimestamp();
        var done = 0L;
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(callerGone);
        var fetching = outputs.FetchAsync(owner, import, (bytes, _) => Volatile.Write(ref done, bytes), leaving.Token);
        try
        {
            while (!fetching.IsCompleted)
            {
                await TellAsync(Glance.Sidecar.V1.Import.Types.State.Running, StageProgress.Types.State.Running);
                await Task.WhenAny(fetching, Task.Delay(Interval, clock, callerGone));
            }
        }
        finally
        {
            // Where the telling failed, the wait ends too, and is awaited: it reports progress to this method.
            if (!fetching.IsCompleted) await leaving.CancelAsync();
            await ((Task)fetching).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await fetching;
        done = (long)import.Result.Size;
        await TellAsync(Glance.Sidecar.V1.Import.Types.State.Succeeded, StageProgress.Types.State.Succeeded);

        Task TellAsync(Glance.Sidecar.V1.Import.Types.State state, StageProgress.Types.State transfer)
        {
            var told = import.Clone();
            told.State = state;
            told.OutputTransfer = new StageProgress
            {
                Name = Name,
                State = transfer,
                BytesDone = (ulong)Volatile.Read(ref done),
                BytesTotal = import.Result.Size,
                ElapsedSeconds = clock.GetElapsedTime(started).TotalSeconds,
            };
            // A path is only told when the bytes are there.
            if (state == Glance.Sidecar.V1.Import.Types.State.Succeeded) ShowHere(told);
            else told.Result = null;
            return responses.WriteAsync(new ImportEvent { Import = told }, callerGone);
        }
    }

    /// <summary>Where the output was fetched to this pod, the import says so.</summary>
    public Glance.Sidecar.V1.Import ShowHere(Glance.Sidecar.V1.Import import)
    {
        if (import.Result is null || !outputs.TryGet(ImportIds.Parse(import.ImportId), out var output)) return import;
        import.Result.OutputPath = output.Path;
        import.Result.OutputOwner = self.Name;
        return import;
    }
}
