using Sidecar.Import.Core;
using Sidecar.Import.Inspection.Core;
using Sidecar.Import.Signatures;

namespace Sidecar.Import.Queue;

/// <summary>What a request may say, and when two are the same.</summary>
internal static class RequestRules
{
    private const int MaxTextChars = 255;

    private static readonly string[] Containers =
        ["", "ami", "ari", "aki", "bare", "ovf", "ova", "docker", "compressed"];

    /// <exception cref="ImportException"><see cref="ImportError.InvalidRequest"/>.</exception>
    public static void Check(ImportRequest request)
    {
        CheckClaim(request.DiskFormat, request.ContainerFormat);
        Require(request.OutputDiskFormat, "output_disk_format", ["", .. DiskFormats.Convertible]);
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
    public static void CheckClaim(string diskFormat, string containerFormat)
    {
        Require(diskFormat, "disk_format", ["", .. DiskFormats.Claimable]);
        Require(containerFormat, "container_format", Containers);
    }

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
