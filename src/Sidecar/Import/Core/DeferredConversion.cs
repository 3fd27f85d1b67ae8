namespace Sidecar.Import.Core;

/// <summary>
/// A conversion to raw that is left to those who write the output to a store: the file is still the image as it was, and the disk in
/// it passed all checks. In journals on disk: rename nothing.
/// </summary>
/// <param name="Format">Of the file.</param>
/// <param name="Length">Of the file, in bytes.</param>
internal sealed record DeferredConversion(string Format, long Length);
