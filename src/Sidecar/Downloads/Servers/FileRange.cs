namespace Sidecar.Downloads.Servers;

/// <summary>A part of a file, and the version that it must be of.</summary>
/// <param name="From">Its first byte.</param>
/// <param name="End">Behind its last byte; null: to the end.</param>
/// <param name="Validator">An entity tag or a date, as <see cref="RemoteFile.Validator"/> tells it.</param>
internal sealed record FileRange(long From, long? End, string Validator);
