namespace Sidecar.Import.Disks;

/// <summary>What a server says of its disk.</summary>
/// <param name="Size">In bytes; not negative, and otherwise not to be relied on.</param>
/// <param name="RefusesFragments">A read may ask for one answer in one piece.</param>
/// <param name="Context">Of its answers to questions about allocation.</param>
internal sealed record NbdExport(long Size, bool RefusesFragments, uint Context);
