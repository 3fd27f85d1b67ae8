using System.Runtime.InteropServices;

namespace Sidecar.Stores.Writers.Rbd;

/// <summary>
/// What is used of Ceph's librados: connecting to a cluster and opening a pool. Functions answer 0, or a negative errno.
/// </summary>
internal static partial class Librados
{
    private const string Library = "librados.so.2";

    [LibraryImport(Library, EntryPoint = "rados_create2", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Create(out nint cluster, string clusterName, string clientName, ulong flags);

    /// <param name="path">Null: the usual places.</param>
    [LibraryImport(Library, EntryPoint = "rados_conf_read_file", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int ReadConfiguration(nint cluster, string? path);

    [LibraryImport(Library, EntryPoint = "rados_conf_set", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Set(nint cluster, string option, string value);

    [LibraryImport(Library, EntryPoint = "rados_conf_get", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Get(nint cluster, string option, Span<byte> value, nuint length);

    [LibraryImport(Library, EntryPoint = "rados_connect")]
    public static partial int Connect(nint cluster);

    /// <summary>Answers the length, when it was not negative.</summary>
    [LibraryImport(Library, EntryPoint = "rados_cluster_fsid")]
    public static partial int ClusterId(nint cluster, Span<byte> id, nuint length);

    [LibraryImport(Library, EntryPoint = "rados_ioctx_create", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int OpenPool(nint cluster, string pool, out nint context);

    [LibraryImport(Library, EntryPoint = "rados_ioctx_destroy")]
    public static partial void ClosePool(nint context);

    [LibraryImport(Library, EntryPoint = "rados_shutdown")]
    public static partial void Shutdown(nint cluster);
}
