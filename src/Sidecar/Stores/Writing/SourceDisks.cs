using Microsoft.Extensions.Options;
using Sidecar.Import.Conversion;
using Sidecar.Staging.Core;
using Sidecar.Staging.Files;
using Sidecar.Stores.Core;

namespace Sidecar.Stores.Writing;

/// <summary>
/// Serves the disks in files whose conversion to raw was deferred: a confined program reads the file, and the process that writes to
/// the store reads the disk from that program. So nothing of the disk is on the volume, and the program sees no secret of a store.
/// </summary>
internal sealed class SourceDisks(QemuNbd nbd, StagingLayout layout, IOptions<StoresOptions> options)
{
    /// <summary>Null when the file itself is what is written.</summary>
    /// <param name="moreBytes">Of memory that the process that reads it takes, above that of others.</param>
    /// <exception cref="StoreException">StoreSourceGone, StoreCorrupt.</exception>
    /// <exception cref="Import.Core.ImportException">As of a conversion.</exception>
    public async Task<SharedDisk?> TryServeAsync(StoreKey key, StoreSource source, long moreBytes, CancellationToken cancellationToken)
    {
        if (source.Deferred is not { } deferred) return null;
        var length = RegularFile.TryLength(source.Path)
            ?? throw new StoreException(StoreError.StoreSourceGone, "The image was removed while it was being written to the store.");
        if (length != deferred.Length) throw Changed($"its file has {length} bytes, and had {deferred.Length}");
        var directory = Path.Combine(layout.Sockets, $"{key.SourceId:D}.{key.Store}");
        var memory = options.Value.WriterMemoryBytes + moreBytes;
        return await nbd.ShareAsync(source.Path, deferred.Format, directory, CheckSize, memory, cancellationToken);

        void CheckSize(long size)
        {
            if (size != source.Size) throw Changed($"its disk has {size} bytes, and had {source.Size}");
        }
    }

    /// <summary>Removes what an earlier process left.</summary>
    public void Recover()
    {
        if (Directory.Exists(layout.Sockets)) Directory.Delete(layout.Sockets, recursive: true);
    }

    private static StoreException Changed(string what) => new(
        StoreError.StoreCorrupt, $"The image on the staging volume has changed: {what}. Check the volume, and stage the image again.");
}
