using Sidecar.Staging.Core;

namespace Sidecar.Routing.Outputs;

/// <summary>The output of an import that ran on another pod, whole and durable on this pod's volume.</summary>
/// <param name="Size">Bytes, holes included.</param>
/// <param name="Owner">Name of the pod that ran the import.</param>
internal sealed record FetchedOutput(Guid ImportId, ImageId ImageId, string Path, long Size, string Owner);
