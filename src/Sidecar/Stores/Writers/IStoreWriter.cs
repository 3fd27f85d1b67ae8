namespace Sidecar.Stores.Writers;

/// <summary>
/// One image on its way to one store. It is written as a part, that is under a name or in a state that nobody takes for the
/// image, and becomes the image by <see cref="CompleteAsync"/> alone. One thread at a time.
/// </summary>
internal interface IStoreWriter : IDisposable
{
    /// <summary>The bytes that the store likes to be given at once.</summary>
    int BlockBytes { get; }

    /// <summary>What Glance's driver needs for the image's location, once the image is there.</summary>
    IReadOnlyDictionary<string, string> Facts { get; }

    /// <summary>The digests kept with the image that the store has, when it was written from this source; null: it has none.</summary>
    /// <exception cref="Core.StoreException">StoreDuplicate, when it has something else of that name.</exception>
    Task<Dictionary<string, string>?> ClaimAsync();

    /// <summary>Begins a part, in the place of one that an earlier attempt has left.</summary>
    Task BeginAsync();

    /// <summary>
    /// Begins to write a block, and tells the block what it has to wait for. Blocks come in order, without gaps. What is all zeros
    /// need not be sent.
    /// </summary>
    void Write(Block block);

    /// <summary>Makes the part, of which everything was written and waited for, the image.</summary>
    Task CompleteAsync(IReadOnlyDictionary<string, string> digests);

    /// <summary>Removes the part, if there is one, as far as the store lets its user.</summary>
    /// <exception cref="Core.StoreException">It is still there, and may be removed later.</exception>
    Task AbandonAsync();

    /// <summary>Removes the image, if it was written from this source, and the part.</summary>
    Task DiscardAsync();
}

/// <summary>A write that is under way from a block.</summary>
internal interface IPendingWrite
{
    /// <summary>Returns, or throws, when the store does not read from the block any more.</summary>
    /// <exception cref="Core.StoreException">The write failed.</exception>
    void Wait();
}
