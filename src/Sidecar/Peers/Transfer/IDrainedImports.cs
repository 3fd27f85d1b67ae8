using Sidecar.Staging;

namespace Sidecar.Peers.Transfer;

/// <summary>An import that is known on this pod.</summary>
/// <param name="OutputBytes">Of its output, beside the staged image.</param>
internal readonly record struct DrainedImport(Guid ImportId, ImageId ImageId, bool WasInterrupted, long OutputBytes);

/// <summary>What a drain does with the imports of this pod. An interface because this slice does not know that one.</summary>
internal interface IDrainedImports
{
    /// <summary>Imports that wait or run.</summary>
    int Unfinished { get; }

    void RefuseNew();

    /// <summary>Stops what waits and runs; done when all of it has ended.</summary>
    Task StopAsync(CancellationToken cancellationToken);

    /// <summary>Removes the imports of an image with their outputs.</summary>
    Task RemoveForImageAsync(ImageId imageId);

    IReadOnlyList<DrainedImport> List();
}
