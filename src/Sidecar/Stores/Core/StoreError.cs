namespace Sidecar.Stores.Core;

/// <summary>Why an image was not written to a store. One place turns these into gRPC statuses: Rpc/StatusMap.</summary>
internal enum StoreError
{
    /// <summary>A value of the request that can never be right. Fact: field.</summary>
    InvalidRequest,

    /// <summary>There is neither a finished import nor a staged image of this id on this pod; with an image_id, on no pod.</summary>
    StoreSourceGone,

    /// <summary>This pod cannot write to such a store, say because the client library is not installed. Fact: library.</summary>
    StoreUnsupported,

    /// <summary>The store has something of this name that was not written from this source; it is never written over.</summary>
    StoreDuplicate,

    /// <summary>The same source is being written, or was, to another place under the same name of a store. Fact: field.</summary>
    StoreDiffers,

    /// <summary>
    /// The store does not answer, or no longer, or takes nothing any more, as a Ceph cluster that is full. What was begun is
    /// removed by the next attempt.
    /// </summary>
    StoreUnreachable,

    /// <summary>The store has no room for it.</summary>
    StoreFull,

    /// <summary>The store does not let this user write.</summary>
    StoreDenied,

    /// <summary>Somebody discarded it while it was being written.</summary>
    StoreDiscarded,

    /// <summary>The store failed in a way that has no name here; the log has its words.</summary>
    StoreFailed,

    /// <summary>The bytes that were read are not those that were staged.</summary>
    StoreCorrupt,
}
