using Microsoft.Extensions.Options;
using Sidecar.Rpc.Statuses;
using Sidecar.Staging.Core;
using Sidecar.Staging.Files;

namespace Sidecar.Rpc.Uploads;

/// <summary>
/// Bounds the Stage calls and downloads that run at a time: each holds memory and two files for as long as its sender likes. One too many
/// is refused before anything is read or kept for it, so that its sender tries again.
/// </summary>
internal sealed class UploadAdmission
{
    // What a sender may be ahead of the disk (the window of a stream), a block to write from and one for each digest, with
    // as much again left for everything else.
    private const long BytesPerUpload = 4 << 20;

    // The upload's data and journal, and one to look with.
    private const long DescriptorsPerUpload = 3;

    private readonly StagingMetrics _metrics;
    private int _running;

    public UploadAdmission(IOptions<RpcOptions> options, StagingMetrics metrics)
    {
        _metrics = metrics;
        Limit = options.Value.MaxUploads > 0
            ? options.Value.MaxUploads
            : LimitOf(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes, Posix.SpareDescriptors());
    }

    public int Limit { get; }

    /// <summary>What a process of so much memory and so many spare descriptors takes, half of which are for connections.</summary>
    public static int LimitOf(long memoryBytes, long descriptors) => (int)Math.Clamp(
        Math.Min(memoryBytes / BytesPerUpload, descriptors / 2 / DescriptorsPerUpload), 4, 4096);

    /// <summary>Takes a place until it is disposed.</summary>
    /// <exception cref="StagingException">Overloaded.</exception>
    public Place Enter()
    {
        if (Interlocked.Increment(ref _running) <= Limit) return new Place(this);
        Interlocked.Decrement(ref _running);
        _metrics.Refused(StagingError.Overloaded);
        throw FaultMap.Overloaded(
            $"{Limit} uploads run, which is all that this pod takes at a time (Rpc:MaxUploads). Try again in a moment.", null,
            ("limit", Limit));
    }

    internal readonly struct Place(UploadAdmission admission) : IDisposable
    {
        public void Dispose() => Interlocked.Decrement(ref admission._running);
    }
}
