using System.Globalization;
using Sidecar.Staging.Core;
using Sidecar.Staging.Files;

namespace Sidecar.Import.Core;

/// <summary>Why an import ended without a result.</summary>
/// <param name="Message">One sentence for a person.</param>
/// <param name="Stage">The stage that failed; empty when it failed before the first.</param>
internal sealed record ImportFailure(
    ImportError Error, string Message, string Stage, IReadOnlyDictionary<string, string> Facts)
{
    private static readonly Dictionary<string, string> NoFacts = [];

    public static ImportFailure Of(ImportError error, string message, string stage = "") =>
        new(error, message, stage, NoFacts);

    public static ImportFailure OfKills(int kills) => new(
        ImportError.SidecarKilled,
        $"The sidecar was killed {kills} times while this import ran, so it is not run again by itself. If the kernel did that for want "
        + "of memory, raise the limit of its container, or lower Import:MaxMemoryBytes; then release the import and start a new one.",
        "",
        new Dictionary<string, string> { ["kills"] = kills.ToString(CultureInfo.InvariantCulture) });

    /// <summary>
    /// What a stage threw, as a failure. Anything unexpected is a bug, whose text is for the log only.
    /// </summary>
    public static ImportFailure FromException(Exception exception, string stage) => exception switch
    {
        ImportException refused => new(refused.Error, refused.Message, stage, refused.Facts),
        StagingException { Error: StagingError.NoSpace } full =>
            new(ImportError.NoSpace, full.Message, stage, full.Facts),
        StagingException { Error: StagingError.ImageNotFound } gone => Of(ImportError.ImageGone, gone.Message, stage),
        FileNotFoundException => Of(
            ImportError.ImageGone, "The image's file is gone: stage it again and start a new import.", stage),
        _ when DiskFault.IsFull(exception) => new(
            ImportError.NoSpace,
            "The volume became full while the import wrote to it. Try again later, or release staged images.",
            stage,
            DiskFault.FullFacts.ToDictionary(fact => fact.Name, fact => $"{fact.Value}")),
        IOException => Of(
            ImportError.DiskFailed, "The disk failed under the import. The sidecar's log says where: check the volume.", stage),
        UnauthorizedAccessException => Of(
            ImportError.DiskFailed,
            "A file may not be accessed. The sidecar's log says which: check its mode and owner.",
            stage),
        _ => Of(
            ImportError.InternalError,
            "The import failed because of a bug in the sidecar; its log has the details.",
            stage),
    };
}
