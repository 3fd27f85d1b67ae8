namespace Sidecar.FunctionalTests.Infrastructure;

/// <summary>Disks whose boot record is not as it should be.</summary>
internal static class BootRecords
{
    /// <summary>A disk with a partition beside the protective one, which a GPT disk does not have: <c>mbr_hybrid</c>.</summary>
    public static byte[] Hybrid()
    {
        var disk = new byte[256 << 10];
        ReadOnlySpan<byte> entries = [0, 0, 2, 0, 0xee, 0xff, 0xff, 0xff, 1, 0, 0, 0, 255, 255, 0, 0, 0x80, 1, 1, 0, 0x83, 9, 9, 9, 63];
        entries.CopyTo(disk.AsSpan(446));
        disk[446 + 16 + 12] = 1;
        (disk[510], disk[511]) = (0x55, 0xaa);
        return disk;
    }
}
