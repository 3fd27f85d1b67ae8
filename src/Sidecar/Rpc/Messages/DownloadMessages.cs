using Glance.Sidecar.V1;
using Sidecar.Downloads.Core;
using Sidecar.Staging.Core;

namespace Sidecar.Rpc.Messages;

/// <summary>Requests for downloads as the slice understands them.</summary>
internal static class DownloadMessages
{
    // Of each list of rules; as the lists of imports.
    private const int MaxRules = 4096;

    /// <exception cref="StagingException">InvalidImageId, InvalidRequest.</exception>
    /// <exception cref="DownloadException">UrlInvalid.</exception>
    public static DownloadRequest ToRequest(DownloadImageRequest message)
    {
        var claim = StagingMessages.ToClaim(message.DiskFormat, message.ContainerFormat, message.ToleratedChecks);
        return new DownloadRequest(
            ImageId.Parse(message.ImageId),
            TargetRules.Parse(message.Url),
            ToRules(message.Rules ?? new DownloadRules()),
            message.MaxBytes == 0 ? long.MaxValue : StagingMessages.ToLength(message.MaxBytes),
            message.ProjectId,
            claim,
            StagingMessages.ToWishes(message.Digests));
    }

    private static TargetRules ToRules(DownloadRules rules)
    {
        int[] counts =
        [
            rules.AllowedSchemes.Count, rules.DisallowedSchemes.Count, rules.AllowedHosts.Count, rules.DisallowedHosts.Count,
            rules.AllowedPorts.Count, rules.DisallowedPorts.Count,
        ];
        if (counts.Max() > MaxRules)
        {
            throw new StagingException(
                StagingError.InvalidRequest, $"A list of the download's rules has {counts.Max()} entries; allowed: {MaxRules}.");
        }

        return new TargetRules(
            [.. rules.AllowedSchemes], [.. rules.DisallowedSchemes], [.. rules.AllowedHosts], [.. rules.DisallowedHosts],
            [.. rules.AllowedPorts.Select(ToPort)], [.. rules.DisallowedPorts.Select(ToPort)]);
    }

    private static int ToPort(uint port) => (int)Math.Min(port, int.MaxValue);
}
