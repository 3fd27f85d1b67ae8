using System.Buffers.Binary;
using Sidecar.Import.Inspection.Core;

namespace Sidecar.Import.Inspection.Formats;

/// <summary>Virtuozzo's format, which Glance knows by name only: recognised so that it is not taken for raw.</summary>
internal sealed class PloopFormat : ImageFormat
{
    private const int SectorsOffset = 36;
    private const int SectorBytes = 512;

    public override string Name => DiskFormats.Ploop;

    protected override FormatVerdict Inspect(ImageBytes bytes, Checks checks)
    {
        if (!bytes.StartsWith(0, "WithoutFreeSpace"u8) && !bytes.StartsWith(0, "WithouFreSpacExt"u8))
        {
            return FormatVerdict.NoMatch;
        }

        var sectors = bytes.Read(SectorsOffset, 8).Span;
        checks.Recognise();
        var size = sectors.Length == 8 ? BinaryPrimitives.ReadUInt64LittleEndian(sectors) : 0;
        size = Math.Min(size, ulong.MaxValue / SectorBytes) * SectorBytes;
        return FormatVerdict.Match(checks.VirtualSize(size, "ploop_virtual_size", least: 1), checks);
    }
}
