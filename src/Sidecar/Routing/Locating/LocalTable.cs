using Sidecar.Import.Core;
using Sidecar.Import.Queue;
using Sidecar.Peers.Core;
using Sidecar.Staging;
using Sidecar.Staging.Core;

namespace Sidecar.Routing.Locating;

/// <summary>What this pod itself has.</summary>
internal sealed class LocalTable(StagingArea area, ImportQueue imports, PodIdentity self)
{
    public Copy? Find(ResourceId subject)
    {
        if (subject.IsImport)
        {
            return imports.Find(subject.Id) is { } import ? new Copy(self.Name, import.CreatedAt, 0) : null;
        }

        return area.TryGetImage(ImageId.Parse(subject.Id.ToString("D")), out var image)
            ? new Copy(self.Name, image.CommittedAt, image.Size)
            : null;
    }

    /// <summary>
    /// Whether starting an import of this id here attaches to one. An interrupted one would run again, and its image may
    /// have been handed over since.
    /// </summary>
    public bool Attaches(ResourceId import) =>
        imports.Find(import.Id) is { } known && known.Failure?.Error != ImportError.ImportInterrupted;
}
