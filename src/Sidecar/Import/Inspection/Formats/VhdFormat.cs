using System.Buffers.Binary;
using Sidecar.Import.Inspection.Core;

namespace Sidecar.Import.Inspection.Formats;

/// <summary>
/// Virtual PC's format (Microsoft's "Virtual Hard Disk Image Format Specification"). A dynamic disk begins with a
/// copy of the footer; a fixed one is a raw disk with the footer behind it.
/// </summary>
internal sealed class VhdFormat : ImageFormat
{
    private const int FooterBytes = 512;
    private const int Fixed = 2;
    private const int Dynamic = 3;
    private static readonly byte[] Cookie = "conectix"u8.ToArray();

    public override string Name => DiskFormats.Vhd;

    protected override FormatVerdict Inspect(ImageBytes bytes, Checks checks)
    {
        if (bytes.StartsWith(0, Cookie)) return Inspect(bytes, 0, Dynamic, checks);
        var footer = bytes.Length - FooterBytes;
        return footer > 0 && bytes.StartsWith(footer, Cookie)
            ? Inspect(bytes, footer, Fixed, checks) : FormatVerdict.NoMatch;
    }

    private static FormatVerdict Inspect(ImageBytes bytes, long offset, uint expectedType, Checks checks)
    {
        checks.Recognise();
        var footer = bytes.Read(offset, FooterBytes).Span;
        if (!checks.Require(footer.Length == FooterBytes, "vhd_header", "its header is cut short"))
        {
            return FormatVerdict.Match(0, checks);
        }

        // A differencing disk (type 4) names its parent, a file of the host.
        var type = BinaryPrimitives.ReadUInt32BigEndian(footer[60..]);
        checks.Require(type == expectedType, "vhd_type", $"its type is {type} where {expectedType} is expected");
        var size = checks.VirtualSize(BinaryPrimitives.ReadUInt64BigEndian(footer[48..]), "vhd_virtual_size");
        if (type == Fixed)
        {
            checks.Require(size <= offset, "vhd_size", $"it says that {size} bytes come before its footer, and {offset} do");
        }

        if (type == Dynamic)
        {
            var table = BinaryPrimitives.ReadInt64BigEndian(footer[16..]);
            checks.Require(bytes.StartsWith(table, "cxsparse"u8), "vhd_header", "its dynamic header is missing");
        }

        // At the beginning it is what programs that guess look at, whatever type it says.
        return FormatVerdict.Match(size, checks, wraps: offset > 0 && type == Fixed);
    }
}
