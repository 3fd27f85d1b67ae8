namespace Sidecar.Import.Conversion;

/// <summary>One conversion: from a file of a known format to a new file.</summary>
internal sealed record QemuConversion(
    string Source, string SourceFormat, string Target, string TargetFormat, string WorkingDirectory);
