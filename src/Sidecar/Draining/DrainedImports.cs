using Sidecar.Import.Core;
using Sidecar.Import.Queue;
using Sidecar.Staging.Core;

namespace Sidecar.Draining;

/// <summary>An import that is known on this pod.</summary>
/// <param name="OutputBytes">Of its output, beside the staged image.</param>
internal readonly record struct DrainedImport(Guid ImportId, ImageId ImageId, bool WasInterrupted, long OutputBytes);

/// <summary>What a drain does with the imports of this pod.</summary>
internal sealed class DrainedImports(ImportQueue queue, StagingLayout layout)
{
    /// <summary>Imports that wait or run.</summary>
    public int Unfinished => queue.Unfinished;

    public void RefuseNew() => queue.RefuseNew();

    /// <summary>Stops what waits and runs; done when all of it has ended.</summary>
    public Task StopAsync(CancellationToken cancellationToken) => queue.StopAsync(cancellationToken);

    /// <summary>Removes the imports of an image with their outputs.</summary>
    public Task RemoveForImageAsync(ImageId imageId) => queue.RemoveForImageAsync(imageId, CancellationToken.None);

    public IReadOnlyList<DrainedImport> List() => [.. queue.List().Select(import => new DrainedImport(
        import.ImportId,
        import.Request.ImageId,
        import.Failure?.Error == ImportError.ImportInterrupted,
        import.Result is { } result && result.OutputPath != layout.ImageFile(import.Request.ImageId) ? result.FileLength : 0))];
}
