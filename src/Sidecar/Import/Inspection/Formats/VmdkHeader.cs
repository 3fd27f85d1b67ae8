using System.Buffers.Binary;
using Sidecar.Import.Inspection.Core;

namespace Sidecar.Import.Inspection.Formats;

/// <summary>The header of a sparse VMDK extent, as it stands in its first sector and again in its footer.</summary>
internal readonly record struct VmdkHeader(
    uint Version, ulong Capacity, ulong DescriptorSector, ulong DescriptorSectors, ulong GrainDirectory)
{
    /// <summary>In place of the grain directory: it is told by the footer.</summary>
    public const ulong DirectoryAtEnd = ulong.MaxValue;

    private const int Bytes = 79;

    /// <summary>Null when there is none at the offset.</summary>
    public static VmdkHeader? TryRead(ImageBytes bytes, long offset)
    {
        var header = bytes.Read(offset, Bytes).Span;
        if (header.Length < Bytes || !header.StartsWith("KDMV"u8)) return null;
        return new VmdkHeader(
            BinaryPrimitives.ReadUInt32LittleEndian(header[4..]),
            BinaryPrimitives.ReadUInt64LittleEndian(header[12..]),
            BinaryPrimitives.ReadUInt64LittleEndian(header[28..]),
            BinaryPrimitives.ReadUInt64LittleEndian(header[36..]),
            BinaryPrimitives.ReadUInt64LittleEndian(header[56..]));
    }

    public bool IsSameDiskAs(VmdkHeader other) => this with { GrainDirectory = 0 } == other with { GrainDirectory = 0 };
}
