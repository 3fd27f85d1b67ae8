namespace Sidecar.Import.Disks;

/// <summary>The next bytes of a disk.</summary>
/// <param name="Data">A buffer that begins with them; null: they are zeros.</param>
internal readonly record struct DiskPiece(long Offset, long Length, byte[]? Data)
{
    public long End => Offset + Length;
}
