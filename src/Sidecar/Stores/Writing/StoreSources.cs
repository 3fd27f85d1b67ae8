using System.Globalization;
using Sidecar.Import.Core;
using Sidecar.Import.Queue;
using Sidecar.Routing.Outputs;
using Sidecar.Staging.Core;
using Sidecar.Stores.Core;

namespace Sidecar.Stores.Writing;

/// <summary>Finds the file that an id stands for: the output of an import that ran here or was fetched here, or a staged image.</summary>
internal sealed class StoreSources(
    ImportQueue imports, FetchedOutputs outputs, Func<ImageId, StagedImage> getImage, StagingLayout layout)
{
    /// <exception cref="StoreException"><see cref="StoreError.StoreSourceGone"/>.</exception>
    public StoreSource Find(Guid id) => TryFind(id) ?? throw new StoreException(
        StoreError.StoreSourceGone,
        $"This pod has neither the output of an import {id} that has succeeded nor a staged image of this id.", ("source_id", id));

    public StoreSource? TryFind(Guid id)
    {
        if (imports.Find(id) is { State: ImportState.Succeeded, Result: { } result } import) return OfImport(import.Request.ImageId, id, result);
        if (outputs.TryGet(id, out var output))
        {
            return new StoreSource(output.ImageId, $"{id:D}", output.Path, output.Size, new Dictionary<string, string>());
        }

        return ImageId.TryParse(id.ToString("D"), out var imageId) && TryGetImage(imageId) is { } image ? OfImage(image) : null;
    }

    private StoreSource OfImport(ImageId imageId, Guid importId, ImportResult result)
    {
        var digests = new Dictionary<string, string>(result.Digests);
        // What no stage has changed has the CRC of its upload.
        if (result.Deferred is null && result.OutputPath == layout.ImageFile(imageId) && TryGetImage(imageId) is { } image)
        {
            foreach (var (name, value) in image.Digests) digests.TryAdd(name, value);
        }

        return new StoreSource(imageId, $"{importId:D}", result.OutputPath, result.Size, digests, result.Deferred);
    }

    private StoreSource OfImage(StagedImage image) => new(
        image.Id, string.Create(CultureInfo.InvariantCulture, $"{image.Id}@{image.CommittedAt.UtcTicks}"),
        layout.ImageFile(image.Id), image.Size, image.Digests);

    private StagedImage? TryGetImage(ImageId id)
    {
        try
        {
            return getImage(id);
        }
        catch (StagingException missing) when (missing.Error == StagingError.ImageNotFound)
        {
            return null;
        }
    }
}
