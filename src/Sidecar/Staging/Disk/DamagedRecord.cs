namespace Sidecar.Staging.Disk;

/// <summary>A record that made no sense and lies in <c>.sidecar/damaged</c>.</summary>
/// <param name="Name">Of the file there: the kind of record, and what it is of.</param>
/// <param name="Why">What is wrong with it; empty when that could not be noted.</param>
/// <param name="At">When it was set aside; null when that could not be noted.</param>
internal sealed record DamagedRecord(string Name, string Why, DateTimeOffset? At);
