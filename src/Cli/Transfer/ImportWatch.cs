using Glance.Sidecar.V1;
using Grpc.Core;
using Stagectl.Failures;
using Stagectl.Progress;

namespace Stagectl.Transfer;

/// <summary>
/// Starts an import and follows it to its end. A connection that breaks is made again: the import's id attaches to the
/// running one, or starts it again where a restart of the sidecar interrupted it.
/// </summary>
internal sealed class ImportWatch(
    Invocation invocation, RunImportRequest request, bool detach, RetryBackoff patience, IProgressDisplay display)
{
    /// <summary>The import as it was last told; null before the first answer.</summary>
    public Import? Last { get; private set; }

    /// <returns>The import in state SUCCEEDED, or, detached, as it is right after its start.</returns>
    /// <exception cref="RpcException">It failed or was cancelled, or the sidecar cannot be reached for too long.</exception>
    public async Task<Import> RunAsync()
    {
        while (true)
        {
            try
            {
                return await FollowAsync();
            }
            catch (RpcException failure) when (Transient.Is(failure, invocation.Interrupted))
            {
                if (!await patience.WaitAsync(failure, invocation.Interrupted)) throw;
                display.Note($"Broke off, attaching again: {Failure.TextOf(failure)}");
            }
        }
    }

    private async Task<Import> FollowAsync()
    {
        using var call = invocation.Client.Imports.RunImport(request, invocation.Call);
        while (await call.ResponseStream.MoveNext(invocation.Interrupted))
        {
            Last = call.ResponseStream.Current.Import;
            // An interrupted import is told once more before it starts over: that is no progress.
            if (Last.State is Import.Types.State.Queued or Import.Types.State.Running) patience.Progress();
            foreach (var stage in Last.Stages) display.Show(stage);
            if (Last.OutputTransfer is { } transfer) display.Show(transfer);
            if (detach) break;
        }

        return Last ?? throw new RpcException(new Status(StatusCode.Internal, "The sidecar told nothing of the import."));
    }
}
