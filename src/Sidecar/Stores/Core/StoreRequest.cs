using System.Text.RegularExpressions;
using Sidecar.Staging.Core;

namespace Sidecar.Stores.Core;

/// <summary>What is written where: the output of an import, or a staged image, to one of Glance's stores.</summary>
/// <param name="SourceId">The import whose output it is; of a staged image the image.</param>
/// <param name="Store">Glance's name of the store.</param>
/// <param name="Digests">Digests that are wanted of the bytes.</param>
internal sealed partial record StoreRequest(
    Guid SourceId, string Store, StoreTarget Target, IReadOnlyList<string> Digests)
{
    private const int MostOthers = 16;

    /// <summary>Other stores whose writes are begun with this one.</summary>
    public IReadOnlyList<StoreRequest> Others { get; init; } = [];

    public StoreKey Key => new(SourceId, Store);

    /// <exception cref="StoreException"><see cref="StoreError.InvalidRequest"/>.</exception>
    public void Check()
    {
        CheckStore(Store);
        Target.Check();
        foreach (var other in Others) other.Check();
        CheckOthers();
        if (Digests.FirstOrDefault(name => !DigestAlgorithms.IsKnown(name)) is not { } unknown) return;
        throw new StoreException(
            StoreError.InvalidRequest,
            $"digests names one that is not known, of {unknown.Length} characters; allowed: {DigestAlgorithms.Names}.",
            ("field", "digests"));
    }

    private void CheckOthers()
    {
        if (Others.Count <= MostOthers && Others.Select(other => other.Store).Append(Store).Distinct().Count() == Others.Count + 1) return;
        throw new StoreException(
            StoreError.InvalidRequest, $"others must name at most {MostOthers} stores, each once, and not the request's own.",
            ("field", "others"));
    }

    /// <exception cref="StoreException"><see cref="StoreError.InvalidRequest"/>.</exception>
    public static void CheckStore(string store)
    {
        // It becomes the name of a file.
        if (StoreName().IsMatch(store)) return;
        throw new StoreException(
            StoreError.InvalidRequest,
            "store must be 1 to 64 letters, digits, dots, hyphens and underscores, beginning with a letter or digit.",
            ("field", "store"));
    }

    /// <summary>Where it differs from another request of the same key; null when the one may attach to the other's write.</summary>
    public string? Difference(StoreRequest other)
    {
        if (Target != other.Target) return "target";
        return Digests.ToHashSet().SetEquals(other.Digests) ? null : "digests";
    }

    [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9._-]{0,63}\z")]
    private static partial Regex StoreName();
}
