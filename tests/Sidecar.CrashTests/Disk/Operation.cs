namespace Sidecar.CrashTests.Disk;

/// <summary>Kinds of file operations, as <c>disk.c</c> numbers them.</summary>
internal enum OperationKind
{
    Open,
    Create,
    Write,
    Truncate,
    Sync,
    SyncDirectory,
    Rename,
    Link,
    Unlink,
    MakeDirectory,
    RemoveDirectory,
    ChangeMode,
    Statfs,
}

/// <summary>An operation that succeeded.</summary>
/// <param name="Index">Its number among all operations of its process, from 1.</param>
/// <param name="Path">Relative to the directory that is watched; empty: the directory itself.</param>
/// <param name="Other">Where a rename or link leads.</param>
/// <param name="Size">Of the file, afterwards.</param>
/// <param name="Content">What a sync made durable.</param>
internal sealed record Operation(
    long Index, OperationKind Kind, long Inode, string Path, string Other, long Size, ReadOnlyMemory<byte> Content)
{
    public override string ToString() => $"operation {Index}, {Kind} of {Path}";
}
