namespace Sidecar.Stores.Core;

/// <summary>Names one write: a source, and a store that it goes to.</summary>
internal readonly record struct StoreKey(Guid SourceId, string Store);
