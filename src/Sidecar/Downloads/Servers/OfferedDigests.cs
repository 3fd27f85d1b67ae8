using System.Net.Http.Headers;
using Sidecar.Staging.Files;

namespace Sidecar.Downloads.Servers;

/// <summary>
/// Checksums of a whole file that servers send with it: <c>Content-MD5</c>, <c>Repr-Digest</c> (RFC 9530), <c>Digest</c> (RFC 3230)
/// and <c>x-goog-hash</c>. What cannot be read counts as not sent: it is an offer.
/// </summary>
internal static class OfferedDigests
{
    private const int MaxOffers = 16;

    // Of headers, in lower case, to ours.
    private static readonly Dictionary<string, (string Name, int Bytes)> Algorithms = new()
    {
        ["md5"] = ("md5", 16), ["sha"] = ("sha1", 20), ["sha-256"] = ("sha256", 32), ["sha-512"] = ("sha512", 64),
        ["crc32c"] = (Crc32C.Name, 4),
    };

    /// <param name="isPart">The answer has a part of the file, which some of the headers are then about.</param>
    public static IReadOnlyDictionary<string, string> Of(HttpResponseMessage answer, bool isPart)
    {
        var digests = new SortedDictionary<string, string>(StringComparer.Ordinal);
        if (!isPart) Add(digests, Values(answer, "Content-MD5").Select(value => $"md5={value}"));
        Add(digests, Values(answer, "Repr-Digest").Concat(Values(answer, "Digest")));
        // Of an object that is sent otherwise than it is stored it is the hash of what is stored.
        if (Values(answer, "x-goog-stored-content-encoding").All(encoding => encoding == "identity"))
        {
            Add(digests, Values(answer, "x-goog-hash"));
        }

        return digests;
    }

    private static void Add(SortedDictionary<string, string> digests, IEnumerable<string> lines)
    {
        foreach (var offer in lines.SelectMany(line => line.Split(',')).Take(MaxOffers))
        {
            var equals = offer.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0 || !Algorithms.TryGetValue(offer[..equals].Trim().ToLowerInvariant(), out var algorithm)) continue;
            // Structured fields put colons around bytes.
            var value = new byte[algorithm.Bytes];
            if (Convert.TryFromBase64String(offer[(equals + 1)..].Trim(' ', ':'), value, out var length) && length == algorithm.Bytes)
            {
                digests[algorithm.Name] = Convert.ToHexStringLower(value);
            }
        }
    }

    private static HeaderStringValues Values(HttpResponseMessage answer, string name) =>
        answer.Headers.NonValidated.TryGetValues(name, out var values)
        || answer.Content.Headers.NonValidated.TryGetValues(name, out values)
            ? values : default;
}
