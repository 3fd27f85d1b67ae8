using Sidecar.Import.Inspection.Core;

namespace Sidecar.Import.Inspection.Formats;

/// <summary>QEMU's abandoned enhanced disk format: recognised so that it can be refused, as Glance does.</summary>
internal sealed class QedFormat : ImageFormat
{
    public override string Name => DiskFormats.Qed;

    protected override FormatVerdict Inspect(ImageBytes bytes, Checks checks)
    {
        if (!bytes.StartsWith(0, "QED\0"u8)) return FormatVerdict.NoMatch;
        checks.Recognise();
        checks.Require(false, "qed_banned", "the format is not supported");
        return FormatVerdict.Match(0, checks);
    }
}
