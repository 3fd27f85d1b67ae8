namespace Sidecar.Routing.Locating;

/// <summary>An upload on another pod.</summary>
/// <param name="Offset">How far it came.</param>
/// <param name="IsComplete">It is a staged image.</param>
internal sealed record RemoteUpload(long Offset, bool IsComplete);
