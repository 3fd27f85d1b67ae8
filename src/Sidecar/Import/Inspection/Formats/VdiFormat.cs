using System.Buffers.Binary;
using Sidecar.Import.Inspection.Core;

namespace Sidecar.Import.Inspection.Formats;

/// <summary>VirtualBox's format (block/vdi.c of QEMU).</summary>
internal sealed class VdiFormat : ImageFormat
{
    private const int SignatureOffset = 0x40;
    private const int HeaderBytes = 512;
    private const uint Signature = 0xbeda107f;

    public override string Name => DiskFormats.Vdi;

    protected override FormatVerdict Inspect(ImageBytes bytes, Checks checks)
    {
        var signature = bytes.Read(SignatureOffset, 4).Span;
        if (signature.Length < 4 || BinaryPrimitives.ReadUInt32LittleEndian(signature) != Signature)
        {
            return FormatVerdict.NoMatch;
        }

        checks.Recognise();
        var header = bytes.Read(0, HeaderBytes).Span;
        if (!checks.Require(header.Length == HeaderBytes, "vdi_header", "its header is cut short"))
        {
            return FormatVerdict.Match(0, checks);
        }

        // 1 is dynamic, 2 is static; 3 and 4 are undo and differencing images, which need another file.
        var type = BinaryPrimitives.ReadUInt32LittleEndian(header[0x4c..]);
        checks.Require(type is 1 or 2, "vdi_type", $"its type is {type}, not dynamic or static");
        var parents = header.Slice(0x1a8, 32); // UUIDs of the image that it is linked to and of its parent
        checks.Require(!parents.ContainsAnyExcept((byte)0), "vdi_parent", "it is linked to another image");
        var size = checks.VirtualSize(BinaryPrimitives.ReadUInt64LittleEndian(header[0x170..]), "vdi_virtual_size");
        return FormatVerdict.Match(size, checks);
    }
}
