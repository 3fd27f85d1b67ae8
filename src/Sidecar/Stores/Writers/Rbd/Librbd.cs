using System.Runtime.InteropServices;

namespace Sidecar.Stores.Writers.Rbd;

/// <summary>
/// What is used of Ceph's librbd: making, writing, protecting and renaming images. Functions answer 0, or a negative errno.
/// </summary>
internal static unsafe partial class Librbd
{
    private const string Library = "librbd.so.1";

    [LibraryImport(Library, EntryPoint = "rbd_create2", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Create(nint pool, string name, ulong size, ulong features, ref int order);

    /// <param name="snapshot">Null: the image as it is.</param>
    [LibraryImport(Library, EntryPoint = "rbd_open", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Open(nint pool, string name, out nint image, string? snapshot);

    [LibraryImport(Library, EntryPoint = "rbd_open_read_only", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int OpenToRead(nint pool, string name, out nint image, string? snapshot);

    [LibraryImport(Library, EntryPoint = "rbd_close")]
    public static partial int Close(nint image);

    [LibraryImport(Library, EntryPoint = "rbd_get_size")]
    public static partial int Size(nint image, out ulong bytes);

    [LibraryImport(Library, EntryPoint = "rbd_metadata_set", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int SetMetadata(nint image, string key, string value);

    [LibraryImport(Library, EntryPoint = "rbd_metadata_get", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int GetMetadata(nint image, string key, Span<byte> value, ref nuint length);

    [LibraryImport(Library, EntryPoint = "rbd_flush")]
    public static partial int Flush(nint image);

    [LibraryImport(Library, EntryPoint = "rbd_snap_create", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int CreateSnapshot(nint image, string name);

    [LibraryImport(Library, EntryPoint = "rbd_snap_protect", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int ProtectSnapshot(nint image, string name);

    [LibraryImport(Library, EntryPoint = "rbd_snap_is_protected", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int IsSnapshotProtected(nint image, string name, out int isProtected);

    [LibraryImport(Library, EntryPoint = "rbd_snap_unprotect", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int UnprotectSnapshot(nint image, string name);

    [LibraryImport(Library, EntryPoint = "rbd_snap_remove", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int RemoveSnapshot(nint image, string name);

    [LibraryImport(Library, EntryPoint = "rbd_remove", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Remove(nint pool, string name);

    [LibraryImport(Library, EntryPoint = "rbd_rename", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Rename(nint pool, string from, string to);

    [LibraryImport(Library, EntryPoint = "rbd_aio_create_completion")]
    public static partial int CreateCompletion(nint argument, nint callback, out nint completion);

    /// <summary>The buffer belongs to the library until the completion is done.</summary>
    [LibraryImport(Library, EntryPoint = "rbd_aio_write")]
    public static partial int BeginWrite(nint image, ulong offset, nuint length, byte* buffer, nint completion);

    [LibraryImport(Library, EntryPoint = "rbd_aio_wait_for_complete")]
    public static partial int Wait(nint completion);

    [LibraryImport(Library, EntryPoint = "rbd_aio_get_return_value")]
    public static partial nint Outcome(nint completion);

    [LibraryImport(Library, EntryPoint = "rbd_aio_release")]
    public static partial void Release(nint completion);
}
