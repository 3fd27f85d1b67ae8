namespace Sidecar.Routing.Locating;

/// <summary>One copy of a staged image, or an import, and the pod that has it.</summary>
/// <param name="CommittedAt">Of a staged image; of an import: when it was created.</param>
/// <param name="Size">Of a staged image, in bytes.</param>
internal sealed record Copy(string Owner, DateTimeOffset CommittedAt, long Size)
{
    /// <summary>
    /// Which of two copies counts: the newer commit, and of two at one moment that of the pod whose name sorts first,
    /// so that all pods choose the same one.
    /// </summary>
    public static int NewestFirst(Copy one, Copy other)
    {
        var byTime = other.CommittedAt.CompareTo(one.CommittedAt);
        return byTime != 0 ? byTime : string.CompareOrdinal(one.Owner, other.Owner);
    }

    public bool Beats(Copy other) => NewestFirst(this, other) < 0;
}
