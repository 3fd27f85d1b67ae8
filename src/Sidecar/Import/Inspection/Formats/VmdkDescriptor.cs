using System.Text;
using Sidecar.Import.Inspection.Core;

namespace Sidecar.Import.Inspection.Formats;

/// <summary>
/// The text that describes a VMDK. Every line must be of a known kind: whatever the reader of the disk may make of
/// any other line, it will not see one. Names in it may be of any alphabet; the one extent of a descriptor that is embedded is
/// the file itself, whatever it was called where it was made.
/// </summary>
internal static class VmdkDescriptor
{
    private static readonly string[] AllowedTypes = ["monolithicsparse", "streamoptimized"];

    // Those of ASCII only: what .NET takes for blank beyond is a part of a letter in many an encoding.
    private static readonly char[] Blanks = [' ', '\t', '\r', '\v', '\f'];

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
        foreach (var range in head.Split((byte)'\n'))
        {
            var line = WithoutBlanksBefore(head[range]);
            if (Begins(line, "# disk descriptorfile")) return true;
            if (line.IsEmpty || line[0] == '#') continue;
            return Begins(line, "version=");
        }

        return false;
    }

    // The first line of most disks decides, so that nothing behind it need be decoded.
    private static bool Begins(ReadOnlySpan<byte> line, string word) =>
        line.Length >= word.Length && Decode(line[..word.Length]) == word;

    private static ReadOnlySpan<byte> WithoutBlanksBefore(ReadOnlySpan<byte> line)
    {
        var start = 0;
        while (start < line.Length && char.IsWhiteSpace((char)line[start])) start++;
        return line[start..];
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
        var isText = !text.ContainsAny((byte)0, (byte)0x7f);
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
        var types = new List<string>();
        foreach (var line in text.Split('\n').Select(line => line.Trim(Blanks)).Where(line => line.Length > 0))
        {
            if (line[0] == '#' || line.StartsWith("ddb", StringComparison.Ordinal)) continue;
            if (TrySplit(line, out var key, out var value))
            {
                if (key == "createtype") types.Add(value);
                checks.Require(key != "parentcid" || value == "ffffffff", "vmdk_parent", "it names a parent disk");
            }
            else if (checks.Require(IsExtent(line), "vmdk_descriptor", "its descriptor has lines of an unknown kind"))
            {
                extents++;
                checks.Require(IsSafeExtent(line), "vmdk_extent", "an extent names another file");
            }
        }

        checks.Subformat = types.FirstOrDefault("");
        checks.Require(extents > 0, "vmdk_extent", "its descriptor has no extent");
        checks.Require(extents < 2, "vmdk_extent", "its descriptor has more extents than the file itself");
        checks.Require(
            types.Count > 0 && types.All(AllowedTypes.Contains),
            "vmdk_create_type",
            "its createType is not monolithicSparse or streamOptimized");
    }

    private static bool TrySplit(string line, out string key, out string value)
    {
        var parts = line.Split('=', 2);
        (key, value) = (parts[0].TrimEnd(Blanks), parts[^1].Trim(Blanks).Trim('"'));
        return parts.Length == 2 && !key.AsSpan().ContainsAny(Blanks);
    }

    private static bool IsExtent(string line) => line.Split(Blanks)[0] is "rw" or "rdonly" or "noaccess";

    // Sparse extents only: a flat one is a bare file of any content, a vmfs one a device. A backslash is part of a name, as it
    // is of some letters of Japan.
    private static bool IsSafeExtent(string line) =>
        !line.Contains('/') && line.Split(Blanks, StringSplitOptions.RemoveEmptyEntries) is [_, _, "sparse", ..];

    // Its words are ASCII and not case-sensitive. Names are not read, so their encoding does not matter.
    private static string Decode(ReadOnlySpan<byte> text) => Encoding.Latin1.GetString(text).ToLowerInvariant();
}
