using System.Runtime.InteropServices;
using Sidecar.Stores.Core;

namespace Sidecar.Stores.Writers.Rbd;

/// <summary>What Ceph's libraries answer, as failures with names.</summary>
internal static class RbdFault
{
    public const int NotFound = -2; // ENOENT
    public const int Exists = -17; // EEXIST
    public const int Busy = -16; // EBUSY
    public const int OutOfRange = -34; // ERANGE

    /// <summary>Answers what was answered, unless it tells of a failure.</summary>
    /// <exception cref="StoreException">It does.</exception>
    public static int Check(int answer, string what) => answer >= 0 ? answer : throw Of(answer, what);

    public static StoreException Of(int answer, string what)
    {
        var detail = $"{what}: {Marshal.GetPInvokeErrorMessage(-answer)} ({-answer})";
        return answer switch
        {
            // EPERM, EACCES, EROFS
            -1 or -13 or -30 => Failure(
                StoreError.StoreDenied, "Ceph does not let this user write to the pool: check rbd_store_user, its keyring and its capabilities.", detail),
            // ENOSPC, EDQUOT
            -28 or -122 => Failure(StoreError.StoreFull, "The Ceph pool is full, or its quota is reached.", detail),
            // ENXIO, ENOTCONN, ESHUTDOWN, ETIMEDOUT, ECONNREFUSED, EHOSTUNREACH; an OSD that fenced this client: 108
            -6 or -107 or -108 or -110 or -111 or -113 => Failure(
                StoreError.StoreUnreachable, "The Ceph cluster does not answer. Import the image again when it does.", detail),
            _ => Failure(StoreError.StoreFailed, "The Ceph cluster refused a part of the write; the sidecar's log has its words.", detail),
        };
    }

    private static StoreException Failure(StoreError error, string message, string detail) =>
        new(error, message) { Detail = detail };
}
