namespace Sidecar.Stores.Journal;

/// <summary>How far a write to a store is. The names are on disk: rename none.</summary>
internal enum StoreState
{
    /// <summary>Begun: the store may have a part of the image, by the name for parts.</summary>
    Writing,

    /// <summary>The store has the image, whole and durable, and nobody has said yet that it is part of Glance's image.</summary>
    Written,

    /// <summary>Glance's image has it: it is never discarded any more.</summary>
    Confirmed,
}
