using Sidecar.Import.Inspection.Core;

namespace Sidecar.Import.Inspection.Formats;

/// <summary>ISO 9660 and UDF: the identifier of the first volume descriptor, in the seventeenth sector.</summary>
internal sealed class IsoFormat : ImageFormat
{
    private const int IdentifierOffset = (32 << 10) + 1;

    public override string Name => DiskFormats.Iso;

    protected override FormatVerdict Inspect(ImageBytes bytes, Checks checks)
    {
        var identifier = bytes.Read(IdentifierOffset, 5).Span;
        var matches = identifier.SequenceEqual("CD001"u8) || identifier.SequenceEqual("NSR02"u8)
            || identifier.SequenceEqual("NSR03"u8);
        // A guest is given the file as it is, whatever the volume says of its own size.
        return matches ? FormatVerdict.Match(bytes.KnownLength, checks) : FormatVerdict.NoMatch;
    }
}
