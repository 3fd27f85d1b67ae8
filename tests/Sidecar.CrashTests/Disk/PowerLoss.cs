namespace Sidecar.CrashTests.Disk;

/// <summary>What a file system may keep of what was never synced.</summary>
internal enum Survival
{
    /// <summary>Only what POSIX promises: synced content, and names in directories that were synced.</summary>
    Least,

    /// <summary>As ext4 and xfs do: a sync of anything keeps all names and removals before it. Content only when synced.</summary>
    Journalled,

    /// <summary>All names and removals up to the end, and of the content what was synced.</summary>
    LatestNames,

    /// <summary>The same, and files have their last size, with zeros where nothing was synced.</summary>
    LatestSizes,
}

/// <summary>Makes the directory that a power loss leaves behind, from the operations before it.</summary>
internal sealed class PowerLoss
{
    private readonly Survival _survival;
    private readonly Dictionary<long, ReadOnlyMemory<byte>> _durable = [];
    private readonly Dictionary<long, long> _sizes = [];

    // Directories are found by path, so none that has anything in it may be renamed; the daemon renames files only.
    private readonly SortedDictionary<string, long> _names = new(StringComparer.Ordinal);
    private SortedDictionary<string, long> _kept = new(StringComparer.Ordinal);

    private PowerLoss(Survival survival) => _survival = survival;

    private bool KeepsAllNames => _survival is Survival.LatestNames or Survival.LatestSizes;

    /// <summary>The files that are left: relative path to content; null for a directory.</summary>
    public static SortedDictionary<string, ReadOnlyMemory<byte>?> After(IEnumerable<Operation> operations, Survival survival)
    {
        var disk = new PowerLoss(survival);
        foreach (var operation in operations) disk.Apply(operation);
        return disk.Left();
    }

    private void Apply(Operation operation)
    {
        switch (operation.Kind)
        {
            case OperationKind.Create or OperationKind.MakeDirectory:
                _names[operation.Path] = operation.Kind == OperationKind.MakeDirectory ? 0 : operation.Inode;
                _sizes[operation.Inode] = 0;
                _durable.Remove(operation.Inode); // the number of a file that is gone may come again
                break;
            case OperationKind.Write or OperationKind.Truncate:
                _sizes[operation.Inode] = operation.Size;
                break;
            case OperationKind.Sync:
                _durable[operation.Inode] = operation.Content;
                _sizes[operation.Inode] = operation.Size;
                if (_survival == Survival.Journalled) _kept = new(_names, StringComparer.Ordinal);
                break;
            case OperationKind.SyncDirectory:
                KeepNames(operation.Path);
                break;
            case OperationKind.Rename or OperationKind.Link:
                if (operation.Kind == OperationKind.Rename) _names.Remove(operation.Path);
                _names[operation.Other] = operation.Inode;
                break;
            case OperationKind.Unlink or OperationKind.RemoveDirectory:
                _names.Remove(operation.Path);
                break;
        }
    }

    private void KeepNames(string directory)
    {
        if (_survival == Survival.Journalled)
        {
            _kept = new(_names, StringComparer.Ordinal);
            return;
        }

        foreach (var gone in _kept.Keys.Where(path => IsIn(path, directory) && !_names.ContainsKey(path)).ToList()) _kept.Remove(gone);
        foreach (var (path, inode) in _names.Where(entry => IsIn(entry.Key, directory))) _kept[path] = inode;
    }

    private SortedDictionary<string, ReadOnlyMemory<byte>?> Left()
    {
        var left = new SortedDictionary<string, ReadOnlyMemory<byte>?>(StringComparer.Ordinal);
        foreach (var (path, inode) in KeepsAllNames ? _names : _kept)
        {
            // Ordered by path, so a directory comes before what is in it; what is in one that was lost is lost.
            var parent = Parent(path);
            if (parent.Length > 0 && !left.ContainsKey(parent)) continue;
            left[path] = inode == 0 ? (ReadOnlyMemory<byte>?)null : ContentOf(inode); // a bare null would be an empty file
        }

        return left;
    }

    private ReadOnlyMemory<byte> ContentOf(long inode)
    {
        var synced = _durable.GetValueOrDefault(inode);
        var size = _sizes.GetValueOrDefault(inode, synced.Length);
        if (_survival != Survival.LatestSizes || size == synced.Length) return synced;
        var content = new byte[size];
        synced.Span[..(int)Math.Min(size, synced.Length)].CopyTo(content);
        return content;
    }

    private static bool IsIn(string path, string directory) => path.Length > 0 && Parent(path) == directory;

    private static string Parent(string path) => Path.GetDirectoryName(path) ?? "";
}
