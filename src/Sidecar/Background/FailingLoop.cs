namespace Sidecar.Background;

/// <summary>A background loop whose last round failed.</summary>
/// <param name="Since">When the first round of this row of failures failed.</param>
/// <param name="Failure">Why the last one did, in one line.</param>
internal sealed record FailingLoop(string Name, DateTimeOffset Since, string Failure);
