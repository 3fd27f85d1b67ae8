using System.Runtime.InteropServices;

namespace Sidecar.Staging.Files;

/// <summary>What the kernel knows of a file: <c>struct statx</c>, which is the same on every processor.</summary>
[StructLayout(LayoutKind.Explicit, Size = 256)]
internal readonly struct FileStatus
{
    private const ushort TypeMask = 0xF000;
    private const ushort Regular = 0x8000;
    private const ushort Directory = 0x4000;
    private const int BlockBytes = 512; // whatever the file system's are

    [FieldOffset(16)]
    private readonly uint _links;

    [FieldOffset(28)]
    private readonly ushort _mode;

    [FieldOffset(32)]
    private readonly ulong _inode;

    [FieldOffset(40)]
    private readonly ulong _size;

    [FieldOffset(48)]
    private readonly ulong _blocks;

    [FieldOffset(136)]
    private readonly uint _deviceMajor;

    [FieldOffset(140)]
    private readonly uint _deviceMinor;

    public bool IsRegular => (_mode & TypeMask) == Regular;

    public bool IsDirectory => (_mode & TypeMask) == Directory;

    /// <summary>Names that it has; each may be used to change it.</summary>
    public uint Links => _links;

    public long Size => (long)_size;

    /// <summary>Bytes that it takes on the volume: without its holes.</summary>
    public long AllocatedBytes => (long)_blocks * BlockBytes;

    /// <summary>What it is, for a person.</summary>
    public string Kind => (_mode & TypeMask) switch
    {
        Regular => "a regular file",
        Directory => "a directory",
        0xA000 => "a symbolic link",
        0x1000 => "a FIFO",
        0xC000 => "a socket",
        _ => "a device",
    };

    public bool IsSameFile(FileStatus other) =>
        (_inode, _deviceMajor, _deviceMinor) == (other._inode, other._deviceMajor, other._deviceMinor);
}
