namespace Sidecar.Import.Inspection.Core;

/// <summary>A safety check that an image failed.</summary>
/// <param name="Name">Stable, such as <c>qcow2_backing_file</c>.</param>
/// <param name="Reason">Half a sentence for a person: what is wrong with the image.</param>
internal sealed record FailedCheck(string Name, string Reason)
{
    /// <summary>It is one of those that <c>Import:ToleratedChecks</c> can tolerate.</summary>
    public bool IsOfBootRecord => Name.StartsWith("mbr_", StringComparison.Ordinal);
}

/// <summary>What one format says of an image.</summary>
/// <param name="Matches">The image is of this format, well-formed or not.</param>
/// <param name="Undecided">Too few bytes have arrived to tell everything.</param>
/// <param name="VirtualSize">Bytes that a guest would see; 0 where that is not known, or not known yet.</param>
/// <param name="FailedChecks">Also of an undecided one: those that failed so far.</param>
/// <param name="Wraps">The format is only a footer behind a raw disk, whose first bytes are the guest's own.</param>
internal sealed record FormatVerdict(
    bool Matches, bool Undecided, long VirtualSize, IReadOnlyList<FailedCheck> FailedChecks, bool Wraps = false)
{
    public static readonly FormatVerdict NoMatch = new(false, false, 0, []);

    /// <summary>What forbids to convert the image, though it may be used as it is.</summary>
    public IReadOnlyList<FailedCheck> Obstacles { get; private init; } = [];

    /// <summary>The kind within the format; empty where there is one kind only.</summary>
    public string Subformat { get; private init; } = "";

    /// <summary>Of an undecided one: how many bytes must be there to tell more.</summary>
    public long NeededBytes { get; private init; }

    /// <param name="checks">What is known by now.</param>
    public static FormatVerdict Pending(long neededBytes, Checks checks) =>
        new(checks.Recognised, true, 0, checks.Failed) { NeededBytes = neededBytes };

    public static FormatVerdict Match(long virtualSize, Checks checks, bool wraps = false) =>
        new(true, false, virtualSize, checks.Failed, wraps) { Obstacles = checks.Obstacles, Subformat = checks.Subformat };
}
