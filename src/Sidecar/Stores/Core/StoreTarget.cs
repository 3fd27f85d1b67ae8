namespace Sidecar.Stores.Core;

/// <summary>Where a store is, as Glance's driver is configured for it.</summary>
internal abstract record StoreTarget
{
    /// <summary>What sort of store it is, as Glance names its scheme.</summary>
    public abstract string Kind { get; }

    /// <exception cref="StoreException"><see cref="StoreError.InvalidRequest"/>.</exception>
    public abstract void Check();
}
