namespace Stagectl.Ingest;

/// <summary>What the user asked put --via to do.</summary>
/// <param name="Label">Names the source in progress and messages.</param>
/// <param name="Resume">An earlier run was given up; what it sent is not sent again.</param>
internal sealed record IngestRequest(string ImageId, string Label, bool Resume);
