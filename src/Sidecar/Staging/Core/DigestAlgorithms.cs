using System.Collections.Frozen;
using System.Security.Cryptography;
using Sidecar.Staging.Files;

namespace Sidecar.Staging.Core;

/// <summary>The digests that can be asked for, by the names that Glance uses.</summary>
internal static class DigestAlgorithms
{
    private static readonly FrozenDictionary<string, HashAlgorithmName> Known =
        new Dictionary<string, HashAlgorithmName>
        {
            ["md5"] = HashAlgorithmName.MD5,
            ["sha1"] = HashAlgorithmName.SHA1,
            ["sha256"] = HashAlgorithmName.SHA256,
            ["sha512"] = HashAlgorithmName.SHA512,
        }.ToFrozenDictionary();

    /// <summary>Of signatures alone: no image has one of these as a digest of its own.</summary>
    private static readonly FrozenDictionary<string, Func<RunningDigest>> OfSignatures =
        new Dictionary<string, Func<RunningDigest>>
        {
            ["sha224"] = RunningDigest.Sha224,
            ["sha384"] = () => RunningDigest.Of(HashAlgorithmName.SHA384),
        }.ToFrozenDictionary();

    public static IReadOnlyList<string> All => Known.Keys;

    public static string Names => "md5, sha1, sha256, sha512";

    public static bool IsKnown(string name) => Known.ContainsKey(name);

    /// <summary>Whether it can be made of an upload, be it for a signature.</summary>
    public static bool IsKnownOfUpload(string name) => IsKnown(name) || OfSignatures.ContainsKey(name);

    /// <summary>Any of these, or CRC-32C.</summary>
    public static RunningDigest Start(string name)
    {
        if (name == Crc32C.Name) return RunningDigest.Crc32C();
        return OfSignatures.TryGetValue(name, out var start) ? start() : RunningDigest.Of(Known[name]);
    }

    /// <summary>Checks names and hex lengths of digests that a caller expects; answers them in lower case.</summary>
    /// <exception cref="StagingException"><see cref="StagingError.InvalidRequest"/>.</exception>
    public static IReadOnlyDictionary<string, string> Validate(IEnumerable<KeyValuePair<string, string>> expected)
    {
        var digests = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, hex) in expected)
        {
            var length = name == Crc32C.Name ? 8 : HexLength(name);
            if (hex.Length != length || !hex.All(char.IsAsciiHexDigit))
            {
                throw new StagingException(
                    StagingError.InvalidRequest,
                    $"The expected {name} digest must be {length} hexadecimal digits; it has {hex.Length} characters.");
            }

            digests[name] = hex.ToLowerInvariant();
        }

        return digests;
    }

    private static int HexLength(string name)
    {
        if (!Known.ContainsKey(name))
        {
            throw new StagingException(
                StagingError.InvalidRequest, $"Digest algorithm '{name}' is not known: use {Crc32C.Name}, {Names}.");
        }

        using var hash = Start(name);
        return hash.Finish().Length * 2;
    }
}
