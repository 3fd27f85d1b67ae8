namespace Sidecar.Import.Inspection;

/// <summary>A safety check that an image failed.</summary>
/// <param name="Name">Stable, such as <c>qcow2_backing_file</c>.</param>
/// <param name="Reason">Half a sentence for a person: what is wrong with the image.</param>
internal sealed record FailedCheck(string Name, string Reason);

/// <summary>What one format says of an image.</summary>
/// <param name="Matches">The image is of this format, well-formed or not.</param>
/// <param name="Undecided">Too few bytes have arrived to tell.</param>
/// <param name="VirtualSize">Bytes that a guest would see; 0 where the header does not say.</param>
/// <param name="Wraps">The format is only a footer behind a raw disk, whose first bytes are the guest's own.</param>
internal sealed record FormatVerdict(
    bool Matches, bool Undecided, long VirtualSize, IReadOnlyList<FailedCheck> FailedChecks, bool Wraps = false)
{
    public static readonly FormatVerdict NoMatch = new(false, false, 0, []);

    public static readonly FormatVerdict Pending = new(false, true, 0, []);

    public static FormatVerdict Match(long virtualSize, Checks checks, bool wraps = false) =>
        new(true, false, virtualSize, checks.Failed, wraps);
}
