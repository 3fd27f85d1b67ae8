namespace Sidecar.Stores.Writers.Rbd;

/// <summary>An open image of a pool.</summary>
internal sealed class RbdImage : IDisposable
{
    /// <summary>Name of the snapshot that Glance's driver makes, and that clones are made of.</summary>
    public const string Snapshot = "snap";

    private const int ValueBytes = 4096;

    private readonly string _name;

    private RbdImage(string name, nint handle) => (_name, Handle) = (name, handle);

    public nint Handle { get; }

    /// <exception cref="Core.StoreException">It cannot be opened.</exception>
    public static RbdImage Open(RbdPool pool, string name)
    {
        RbdFault.Check(Librbd.Open(pool.Handle, name, out var handle, null), $"open {name}");
        return new RbdImage(name, handle);
    }

    /// <summary>For looking only; null when there is no such image.</summary>
    /// <exception cref="Core.StoreException">It cannot be opened.</exception>
    public static RbdImage? TryOpenToRead(RbdPool pool, string name)
    {
        var answer = Librbd.OpenToRead(pool.Handle, name, out var handle, null);
        if (answer == RbdFault.NotFound) return null;
        RbdFault.Check(answer, $"open {name}");
        return new RbdImage(name, handle);
    }

    public long Size
    {
        get
        {
            RbdFault.Check(Librbd.Size(Handle, out var bytes), $"size of {_name}");
            return (long)bytes;
        }
    }

    /// <summary>Whether the snapshot is there and protected: the last thing that is done to an image.</summary>
    public bool IsSealed => Librbd.IsSnapshotProtected(Handle, Snapshot, out var isProtected) == 0 && isProtected != 0;

    /// <summary>Makes the image such that clones can be made of it.</summary>
    public void Seal()
    {
        RbdFault.Check(Librbd.CreateSnapshot(Handle, Snapshot), $"snapshot of {_name}");
        RbdFault.Check(Librbd.ProtectSnapshot(Handle, Snapshot), $"protection of the snapshot of {_name}");
    }

    /// <summary>Undoes <see cref="Seal"/>, as far as it went.</summary>
    public void Unseal()
    {
        if (IsSealed) RbdFault.Check(Librbd.UnprotectSnapshot(Handle, Snapshot), $"the snapshot of {_name}");
        var answer = Librbd.RemoveSnapshot(Handle, Snapshot);
        if (answer != RbdFault.NotFound) RbdFault.Check(answer, $"removal of the snapshot of {_name}");
    }

    public void Flush() => RbdFault.Check(Librbd.Flush(Handle), $"flush of {_name}");

    public void SetMetadata(string key, string value) =>
        RbdFault.Check(Librbd.SetMetadata(Handle, key, value), $"metadata of {_name}");

    /// <summary>Null when there is none.</summary>
    public string? TryGetMetadata(string key)
    {
        var value = new byte[ValueBytes];
        var length = (nuint)value.Length;
        var answer = Librbd.GetMetadata(Handle, key, value, ref length);
        if (answer is RbdFault.NotFound or RbdFault.OutOfRange) return null;
        RbdFault.Check(answer, $"metadata of {_name}");
        return RbdPool.Text(value);
    }

    public void Dispose() => _ = Librbd.Close(Handle);
}
