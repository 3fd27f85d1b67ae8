using System.Buffers.Binary;
using System.Text;

namespace Sidecar.Tests.Import.Inspection;

/// <summary>
/// Encrypted disks of version 1. Made here, since qemu-img measures how fast the machine derives keys before it writes one,
/// and fails when the machine is too busy to tell.
/// </summary>
internal static class Luks
{
    private const int Sector = 512;
    private const int KeySlots = 8;
    private const int FirstKeySlot = 208;
    private const int KeySlotBytes = 48;
    private const uint KeySlotUnused = 0x0000dead;
    private const int KeyBytes = 32;
    private const int Stripes = 4000;

    // The key material of one slot, and where the first one is: aligned to 4 KiB, all of them.
    private const int MaterialSectors = KeyBytes * Stripes / Sector / 8 * 8 + 8;
    private const int FirstMaterialSector = 8;
    private const int PayloadSector = FirstMaterialSector + (KeySlots * MaterialSectors);

    /// <summary>A disk of zeros, as long as said, that no key opens.</summary>
    public static byte[] Disk(int bytes)
    {
        var disk = new byte[(PayloadSector * Sector) + bytes];
        var header = disk.AsSpan();
        ReadOnlySpan<byte> magic = [.. "LUKS"u8, 0xba, 0xbe, 0, 1];
        magic.CopyTo(header);
        Encoding.ASCII.GetBytes("aes", header[8..]);
        Encoding.ASCII.GetBytes("xts-plain64", header[40..]);
        Encoding.ASCII.GetBytes("sha256", header[72..]);
        BinaryPrimitives.WriteUInt32BigEndian(header[104..], PayloadSector);
        BinaryPrimitives.WriteUInt32BigEndian(header[108..], KeyBytes);
        BinaryPrimitives.WriteUInt32BigEndian(header[164..], 1000); // iterations for the digest of the key
        Encoding.ASCII.GetBytes("11111111-2222-4333-8444-555555555555", header[168..]);
        for (var slot = 0; slot < KeySlots; slot++) WriteUnusedSlot(header[(FirstKeySlot + (slot * KeySlotBytes))..], slot);
        return disk;
    }

    private static void WriteUnusedSlot(Span<byte> entry, int slot)
    {
        BinaryPrimitives.WriteUInt32BigEndian(entry, KeySlotUnused);
        BinaryPrimitives.WriteInt32BigEndian(entry[40..], FirstMaterialSector + (slot * MaterialSectors));
        BinaryPrimitives.WriteInt32BigEndian(entry[44..], Stripes);
    }
}
