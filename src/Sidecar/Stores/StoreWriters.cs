using Sidecar.Stores.Writers;
using Sidecar.Stores.Writers.Rbd;
using Sidecar.Stores.Writers.S3;

namespace Sidecar.Stores;

/// <summary>The kinds of stores that can be written to.</summary>
internal static class StoreWriters
{
    /// <exception cref="Core.StoreException">The store cannot be reached, or this container lacks what it takes.</exception>
    public static IStoreWriter Open(WriteJob job)
    {
        if (job.Rbd is { } rbd) return new RbdWriter(job, rbd);
        if (job.S3 is { } s3) return new S3Writer(job, s3);
        throw new InvalidDataException("The job names no store.");
    }
}
