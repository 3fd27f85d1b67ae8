using Sidecar.Rpc.Statuses;
using Sidecar.Staging.Core;
using Sidecar.Staging.Files;

namespace Sidecar.Rpc.Limits;

/// <summary>
/// Bounds the calls of one kind that run at a time: each holds memory and files for as long as its client likes. One too many
/// is refused before anything is read or kept for it, so that its client tries again.
/// </summary>
/// <param name="limit">The most at a time.</param>
/// <param name="calls">What they are called in a refusal.</param>
/// <param name="setting">What limits them.</param>
internal abstract class CallAdmission(int limit, string calls, string setting, StagingMetrics metrics)
{
    private int _running;

    public int Limit => limit;

    /// <summary>Takes a place until it is disposed.</summary>
    /// <exception cref="StagingException">Overloaded.</exception>
    public Place Enter()
    {
        if (Interlocked.Increment(ref _running) <= limit) return new Place(this);
        Interlocked.Decrement(ref _running);
        metrics.Refused(StagingError.Overloaded);
        throw FaultMap.Overloaded(
            $"{limit} {calls} run, which is all that this pod takes at a time ({setting}). Try again in a moment.", null, ("limit", limit));
    }

    /// <summary>What a process of so much memory and so many spare descriptors takes, half of which are for connections.</summary>
    public static int LimitOf(long memoryBytes, long bytesOfCall, long descriptors, int descriptorsOfCall) => (int)Math.Clamp(
        Math.Min(memoryBytes / bytesOfCall, descriptors / 2 / descriptorsOfCall), 4, 4096);

    /// <summary>What is configured, else what this process takes.</summary>
    protected static int LimitOf(int configured, long bytesOfCall, int descriptorsOfCall) => configured > 0
        ? configured
        : LimitOf(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes, bytesOfCall, Posix.SpareDescriptors(), descriptorsOfCall);

    internal readonly struct Place(CallAdmission admission) : IDisposable
    {
        public void Dispose() => Interlocked.Decrement(ref admission._running);
    }
}
