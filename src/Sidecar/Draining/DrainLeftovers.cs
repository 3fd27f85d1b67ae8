using Glance.Sidecar.V1;
using Sidecar.Routing.Outputs;
using Sidecar.Staging;
using Sidecar.Staging.Core;

namespace Sidecar.Draining;

/// <summary>
/// What stays on a pod that was drained. An import goes with its image: its output was made by this pod, and the new
/// owner makes it again when the import is run by the same id. Only an import whose image is not here any more could not
/// be repeated, so its output is what is left of it.
/// </summary>
internal sealed class DrainLeftovers(StagingArea area, DrainedImports imports, FetchedOutputs outputs)
{
    /// <param name="kept">Why images stay.</param>
    public IEnumerable<Remainder> List(IReadOnlyDictionary<ImageId, string> kept) =>
    [
        .. area.ListImages().Select(image => new Remainder
        {
            Kind = Remainder.Types.Kind.Image, ImageId = image.Id.ToString(), Bytes = (ulong)image.Size,
            Reason = kept.GetValueOrDefault(image.Id, "It was staged while the pod drained."),
        }),
        .. area.ListUploads().Select(upload => new Remainder
        {
            Kind = Remainder.Types.Kind.Upload, ImageId = upload.Header.ImageId.ToString(), Bytes = (ulong)upload.ReceivedOffset,
            Reason = "It is unfinished: its sender can resume it when this pod is back, or start over at another.",
        }),
        .. imports.List().Select(import => new Remainder
        {
            Kind = Remainder.Types.Kind.Import, ImageId = import.ImageId.ToString(), ImportId = import.ImportId.ToString("D"),
            Bytes = (ulong)import.OutputBytes, Reason = Why(import),
        }),
        .. outputs.Records.Select(output => new Remainder
        {
            Kind = Remainder.Types.Kind.Import, ImageId = output.ImageId.ToString(), ImportId = output.ImportId.ToString("D"),
            Bytes = (ulong)output.Size, Reason = $"Its output was fetched here from {output.Owner}, and nobody released it.",
        }),
    ];

    private string Why(DrainedImport import)
    {
        if (!area.TryGetImage(import.ImageId, out _)) return "Its image is not here any more, and nobody released it.";
        return import.WasInterrupted
            ? "It was interrupted, and its image stays here: started again by its id it runs again."
            : "Its image stays here, and nobody released it.";
    }
}
