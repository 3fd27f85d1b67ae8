using System.IO.Pipelines;

namespace Sidecar.Rpc.Uploads;

/// <summary>The end of a client's stream, which most clients send in a frame of its own behind the finish of a Stage call.</summary>
/// <remarks>
/// Kestrel keeps a stream that was answered ahead of its end until that end has come, and refuses new ones (ENHANCE_YOUR_CALM) where
/// a connection has twice as many as may be open at once. With many uploads on one connection the ends wait behind the others'
/// bytes: each answer let another upload begin, until one that had done nothing wrong was refused.
/// </remarks>
internal static class ClientsEnd
{
    // For a client that never ends its stream: it is owed its answer all the same.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>Waits until it has come, the client is gone, or a second is over; what is sent before it is dropped.</summary>
    /// <param name="callerGone">Fires when the call is over for its client.</param>
    public static async Task WaitAsync(PipeReader body, CancellationToken callerGone)
    {
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(callerGone);
        waiting.CancelAfter(Patience);
        try
        {
            while (!await IsLastAsync(body, waiting.Token))
            {
            }
        }
        catch (Exception ended) when (ended is OperationCanceledException or IOException)
        {
            // The upload is committed, whatever becomes of the rest of its call.
        }
    }

    private static async Task<bool> IsLastAsync(PipeReader body, CancellationToken cancellationToken)
    {
        var read = await body.ReadAsync(cancellationToken);
        body.AdvanceTo(read.Buffer.End);
        return read.IsCompleted;
    }
}
