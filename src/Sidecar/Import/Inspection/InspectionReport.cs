using Sidecar.Import.Inspection.Core;

namespace Sidecar.Import.Inspection;

/// <summary>What an image is.</summary>
/// <param name="Format">Detected format; <c>gpt</c> for a raw disk with a partition table.</param>
/// <param name="VirtualSize">Bytes that a guest would see.</param>
/// <param name="FailedChecks">Empty when the image may be used.</param>
internal sealed record InspectionReport(string Format, long VirtualSize, IReadOnlyList<FailedCheck> FailedChecks)
{
    /// <summary>The format by the name that Glance has for it: a partitioned disk is a raw one.</summary>
    public string DiskFormat => Format == DiskFormats.Gpt ? DiskFormats.Raw : Format;
}
