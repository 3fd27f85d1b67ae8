using Sidecar.Import.Core;
using Sidecar.Import.Inspection.Core;
using Sidecar.Import.Signatures;
using Sidecar.Staging.Core;

namespace Sidecar.Import.Queue;

/// <summary>What a request may say, and when two are the same.</summary>
internal static class RequestRules
{
    private const int MaxTextChars = 255;
    private const int MaxNames = 256;
    private const int MaxNameChars = 64;

    private static readonly string[] Containers =
        ["", "ami", "ari", "aki", "bare", "ovf", "ova", "docker", "compressed"];

    /// <exception cref="ImportException"><see cref="ImportError.InvalidRequest"/>.</exception>
    public static void Check(ImportRequest request)
    {
        var rules = request.Rules ?? new ImageRules();
        CheckNames(rules.Names, "rules");
        CheckClaim(request.DiskFormat, request.ContainerFormat, rules);
        Require(request.OutputDiskFormat, "output_disk_format", ["", .. DiskFormats.Convertible.Where(rules.Allow)]);
        CheckDigests(request);
        if (request.Signature is { } signature) SignatureRules.Check(signature);
        if (request.RequestId.Length > MaxTextChars || request.RequestId.Any(char.IsControl))
        {
            throw new ImportException(
                ImportError.InvalidRequest,
                $"The request id must be at most {MaxTextChars} characters long and without control characters.",
                ("field", "request_id"));
        }
    }

    /// <summary>What a caller may say that an image is.</summary>
    /// <exception cref="ImportException"><see cref="ImportError.InvalidRequest"/>.</exception>
    public static void CheckClaim(ImageClaim claim)
    {
        CheckClaim(claim.DiskFormat, claim.ContainerFormat, new ImageRules());
        CheckNames(claim.ToleratedChecks ?? [], "tolerated_checks");
    }

    private static void CheckClaim(string diskFormat, string containerFormat, ImageRules rules)
    {
        Require(diskFormat, "disk_format", ["", .. DiskFormats.Claimable.Union(rules.DiskFormats)]);
        Require(containerFormat, "container_format", [.. Containers.Union(rules.ContainerFormats)]);
    }

    private static void CheckDigests(ImportRequest request)
    {
        foreach (var name in request.Digests) Require(name, "digests", DigestAlgorithms.All);
        if (!request.WithoutDigests || request.Digests.Count == 0) return;
        throw new ImportException(
            ImportError.InvalidRequest, "Digests are asked for, and that there be none: leave without_digests or digests out.",
            ("field", "digests"));
    }

    private static void CheckNames(IEnumerable<string> names, string field)
    {
        if (names.Count() <= MaxNames && names.All(IsName)) return;
        throw new ImportException(
            ImportError.InvalidRequest,
            $"{field} holds at most {MaxNames} names, of 1 to {MaxNameChars} letters, digits, dots, hyphens and underscores.",
            ("field", field));
    }

    // They become names of files.
    private static bool IsName(string name) =>
        name.Length is > 0 and <= MaxNameChars && name[0] != '.' && name.All(next => char.IsAsciiLetterOrDigit(next) || next is '.' or '-' or '_');

    /// <summary>
    /// The first field that differs between two requests of one import id; null when a retry may attach. The request
    /// id may differ: each attempt has its own.
    /// </summary>
    public static string? Difference(ImportRequest one, ImportRequest other)
    {
        if (one.ImageId != other.ImageId) return "image_id";
        if (!one.Stages.SequenceEqual(other.Stages)) return "stages";
        if (one.DiskFormat != other.DiskFormat) return "disk_format";
        if (one.ContainerFormat != other.ContainerFormat) return "container_format";
        if (one.OutputDiskFormat != other.OutputDiskFormat) return "output_disk_format";
        if (one.Signature != other.Signature) return "signature";
        if (one.WithoutDigests != other.WithoutDigests) return "without_digests";
        if (one.DefersConversion != other.DefersConversion) return "defer_conversion";
        if (!one.Digests.ToHashSet().SetEquals(other.Digests)) return "digests";
        if (!(one.Rules ?? new ImageRules()).IsSameAs(other.Rules ?? new ImageRules())) return "rules";
        return one.UserRoles.ToHashSet().SetEquals(other.UserRoles) ? null : "user_roles";
    }

    private static void Require(string value, string field, IReadOnlyList<string> allowed)
    {
        if (allowed.Contains(value)) return;
        throw new ImportException(
            ImportError.InvalidRequest,
            $"{field} is {Text.Quote(value)}; allowed: {string.Join(", ", allowed.Where(name => name.Length > 0))}.",
            ("field", field));
    }
}
