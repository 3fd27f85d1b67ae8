using System.Text;
using Sidecar.Import.Inspection.Core;

namespace Sidecar.Import.Inspection.Formats;

/// <summary>
/// The text that describes a VMDK. Every line must be of a known kind: whatever the reader of the disk may make of
/// any other line, it will not see one.
/// </summary>
internal static class VmdkDescriptor
{
    private static readonly string[] AllowedTypes = ["monolithicsparse", "streamoptimized"];

    // A content id has eight digits at most, and one at least.
    private const int MaxRemains = 7;

    /// <summary>
    /// Whether any reader may take a file for a descriptor: QEMU does where comments and blank lines are followed by the
    /// version, whatever comes first and whatever is behind the text; oslo.utils where a text has a createType.
    /// </summary>
    public static bool LooksLikeOne(ReadOnlySpan<byte> head) => BeginsWithVersion(head) || IsTextWithType(head);

    private static bool IsTextWithType(ReadOnlySpan<byte> head)
    {
        var end = head.IndexOf((byte)0);
        var text = end < 0 ? head : head[..end];
        return !text.ContainsAnyExceptInRange((byte)'\t', (byte)'~')
            && Decode(text).Contains("createtype", StringComparison.Ordinal);
    }

    private static bool BeginsWithVersion(ReadOnlySpan<byte> head)
    {
        foreach (var line in Decode(head).Split('\n', StringSplitOptions.TrimEntries))
        {
            if (line.StartsWith("# disk descriptorfile", StringComparison.Ordinal)) return true;
            if (line.Length == 0 || line[0] == '#') continue;
            return line.StartsWith("version=", StringComparison.Ordinal);
        }

        return false;
    }

    /// <param name="declared">The descriptor by the header's account.</param>
    /// <param name="scanned">What QEMU may take for it when it looks for a parent.</param>
    public static void Check(ReadOnlySpan<byte> declared, ReadOnlySpan<byte> scanned, Checks checks)
    {
        checks.Require(
            !Decode(scanned).Contains("parentfilenamehint", StringComparison.Ordinal),
            "vmdk_parent",
            "it names a parent disk");
        var text = WithoutRemains(declared.TrimEnd((byte)0));
        var isText = !text.ContainsAnyInRange((byte)0x7f, (byte)0xff) && !text.Contains((byte)0);
        if (checks.Require(isText, "vmdk_descriptor", "its descriptor is not a text")) CheckLines(Decode(text), checks);
    }

    /// <summary>
    /// QEMU writes a new content id into the descriptor when it first writes to the disk. A shorter one makes the text
    /// shorter, and the end of the old one stays behind its zero: the same few bytes as before the zero.
    /// </summary>
    private static ReadOnlySpan<byte> WithoutRemains(ReadOnlySpan<byte> declared)
    {
        var end = declared.IndexOf((byte)0);
        if (end < 0) return declared;
        var text = declared[..end];
        var remains = declared[(end + 1)..];
        return remains.Length < MaxRemains && text.EndsWith(remains) ? text : declared;
    }

    private static void CheckLines(string text, Checks checks)
    {
        var extents = 0;
        string? type = null;
        foreach (var line in text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (line[0] == '#' || line.StartsWith("ddb", StringComparison.Ordinal)) continue;
            var key = line.Split('=')[0].TrimEnd();
            if (line.Contains('=') && !key.Contains(' '))
            {
                if (key == "createtype") type = line[(line.IndexOf('=') + 1)..].Trim().Trim('"');
                checks.Require(
                    key != "parentcid" || line.EndsWith("ffffffff", StringComparison.Ordinal),
                    "vmdk_parent", "it names a parent disk");
            }
            else if (checks.Require(IsExtent(line), "vmdk_descriptor", "its descriptor has lines of an unknown kind"))
            {
                extents++;
                checks.Require(IsSafeExtent(line), "vmdk_extent", "an extent names another file");
            }
        }

        checks.Require(extents > 0, "vmdk_extent", "its descriptor has no extent");
        checks.Require(
            type is not null && AllowedTypes.Contains(type),
            "vmdk_create_type",
            "its createType is not monolithicSparse or streamOptimized");
    }

    private static bool IsExtent(string line) => line.Split(' ')[0] is "rw" or "rdonly" or "noaccess";

    // Sparse extents only: a flat one is a bare file of any content, a vmfs one a device.
    private static bool IsSafeExtent(string line) =>
        !line.Contains('/') && !line.Contains('\\')
            && line.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [_, _, "sparse", ..];

    // The text is ASCII and its words are not case-sensitive.
    private static string Decode(ReadOnlySpan<byte> text) => Encoding.Latin1.GetString(text).ToLowerInvariant();
}
