using Microsoft.Extensions.Options;
using Microsoft.Win32.SafeHandles;
using Sidecar.Import.Conversion;
using Sidecar.Import.Decompression;
using Sidecar.Import.Inspection.Core;
using Sidecar.Import.Settings;
using Sidecar.Import.Stages;
using Sidecar.Staging.Core;

namespace Sidecar.Import;

/// <summary>
/// Foresees which digests an import is going to want of an image that is being uploaded: what is computed while the bytes
/// arrive need not be read again. Where it is wrong, a digest is missing, and the import computes it; or one was for nothing.
/// </summary>
internal sealed class DigestForesight(IOptions<ImportOptions> options)
{
    private readonly IReadOnlyList<string> _plugins = options.Value.ResolvePlugins();
    private readonly IReadOnlyList<string> _digests = options.Value.ResolveDigests();
    private readonly string _target = options.Value.Conversion.OutputFormat;

    /// <summary>As <see cref="ForeseeDigests"/> says.</summary>
    public IReadOnlyCollection<string> Foresee(ImageClaim claim, DigestWishes? wishes, SafeFileHandle file, long available)
    {
        var (ofUpload, ofOutput) = wishes is null ? ([], _digests) : (wishes.OfUpload, wishes.OfOutput);
        var isClaimed = claim.DiskFormat is { Length: > 0 };
        if (!isClaimed && wishes is not null) claim = new ImageClaim(wishes.DiskFormat, wishes.ContainerFormat);
        return ofOutput.Count > 0 && StaysAsItIs(claim) && !IsUnpacked(claim, file, available)
            ? [.. ofUpload.Union(ofOutput)] : [.. ofUpload.Distinct()];
    }

    // Of what nobody has said what it is, that cannot be told.
    private bool StaysAsItIs(ImageClaim claim) => claim.DiskFormat is { Length: > 0 }
        && (IsOpaque(claim) || DiskFormats.IsLeftAlone(claim.DiskFormat) || claim.DiskFormat == DiskFormats.Iso
            || claim.DiskFormat == _target || !_plugins.Contains(ConversionStage.StageName));

    private bool IsUnpacked(ImageClaim claim, SafeFileHandle file, long available)
    {
        if (IsOpaque(claim) || DiskFormats.IsLeftAlone(claim.DiskFormat)) return false;
        if (!_plugins.Contains(DecompressionStage.StageName)) return false;
        return Compressions.Detect(new ImageBytes(file, available, complete: false).Head(Compressions.MagicBytes)) is not null;
    }

    private static bool IsOpaque(ImageClaim claim) => claim.ContainerFormat is not ("" or ImportWork.Bare);
}
