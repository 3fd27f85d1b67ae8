namespace Sidecar.Stores.Core;

/// <summary>What a store has, whole and durable.</summary>
/// <param name="Size">Bytes, holes included.</param>
/// <param name="Digests">Of the bytes that were handed to the store; algorithm to lower-case hex.</param>
/// <param name="Facts">What the driver needs for the image's location, such as the cluster's id.</param>
internal sealed record StoredImage(
    long Size, IReadOnlyDictionary<string, string> Digests, IReadOnlyDictionary<string, string> Facts);
