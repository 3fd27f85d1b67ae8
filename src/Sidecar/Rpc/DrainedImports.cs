using Sidecar.Import;
using Sidecar.Peers.Transfer;
using Sidecar.Staging;

namespace Sidecar.Rpc;

/// <summary>The import queue, as a drain needs it.</summary>
internal sealed class DrainedImports(ImportQueue queue, StagingLayout layout) : IDrainedImports
{
    public int Unfinished => queue.Unfinished;

    public void RefuseNew() => queue.RefuseNew();

    public Task StopAsync(CancellationToken cancellationToken) => queue.StopAsync(cancellationToken);

    public Task RemoveForImageAsync(ImageId imageId) => queue.RemoveForImageAsync(imageId, CancellationToken.None);

    public IReadOnlyList<DrainedImport> List() => [.. queue.List().Select(import => new DrainedImport(
        import.ImportId,
        import.Request.ImageId,
        import.Failure?.Error == ImportError.ImportInterrupted,
        import.Result is { } result && result.OutputPath != layout.ImageFile(import.Request.ImageId) ? result.Size : 0))];
}
