namespace Sidecar.Import.Inspection;

/// <summary>What the bytes that have arrived by now show of an image.</summary>
/// <param name="Report">Of the format that it has, whatever else it may turn out to be; null while none matches.</param>
/// <param name="Excluded">Names of the formats that it does not have.</param>
/// <param name="NeededBytes">
/// How many bytes must be there to tell more; <see cref="long.MaxValue"/>: only its end tells more.
/// </param>
internal sealed record PartialReport(
    InspectionReport? Report, IReadOnlyCollection<string> Excluded, long NeededBytes);
