namespace Sidecar.Tests.Import.Inspection;

/// <summary>Boot sectors.</summary>
internal static class Mbr
{
    private static readonly byte[] ProtectiveEntry = [0, 0, 2, 0, 0xee, 0xff, 0xff, 0xff, 1, 0, 0, 0, 255, 255, 0, 0];
    private static readonly byte[] LinuxEntry = [0x80, 1, 1, 0, 0x83, 9, 9, 9, 63, 0, 0, 0, 255, 255, 0, 0];

    public static byte[] Gpt() => Sector(ProtectiveEntry);

    public static byte[] Bootable() => Sector(LinuxEntry);

    public static byte[] Hybrid() => Sector(ProtectiveEntry, LinuxEntry);

    public static byte[] Empty() => Sector();

    public static byte[] WithEntry(Action<byte[]> spoil)
    {
        var entry = ProtectiveEntry.ToArray();
        spoil(entry);
        return Sector(entry);
    }

    private static byte[] Sector(params byte[][] entries)
    {
        var sector = new byte[512];
        for (var i = 0; i < entries.Length; i++) entries[i].CopyTo(sector, 446 + (16 * i));
        (sector[510], sector[511]) = (0x55, 0xaa);
        return sector;
    }
}
