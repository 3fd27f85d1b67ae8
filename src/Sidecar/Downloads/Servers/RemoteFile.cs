using System.Globalization;
using System.Net;

namespace Sidecar.Downloads.Servers;

/// <summary>What a server has said of a file.</summary>
/// <param name="Url">Where it is, after all redirects.</param>
/// <param name="Length">Null: it has not said.</param>
/// <param name="Validator">
/// What tells this version of the file from any other, byte for byte: a strong entity tag, or where there is none at all the date
/// of its last change, if that is not so recent that another change may share it. Empty: nothing does.
/// </param>
/// <param name="HasRanges">It sends parts of it.</param>
/// <param name="Digests">Algorithm to hex, of the whole file.</param>
internal sealed record RemoteFile(
    Uri Url, long? Length, string Validator, bool HasRanges, IReadOnlyDictionary<string, string> Digests)
{
    // RFC 9110, 8.8.2.2: a date is strong when the answer was made at least this long after it.
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(1);

    /// <summary>Reads an answer with a file, or with a part of one.</summary>
    public static RemoteFile Of(HttpResponseMessage answer, Uri url)
    {
        var isPart = answer.StatusCode == HttpStatusCode.PartialContent;
        var validator = ValidatorOf(answer);
        var accepts = isPart || answer.Headers.AcceptRanges.Contains("bytes");
        var length = isPart ? answer.Content.Headers.ContentRange?.Length : answer.Content.Headers.ContentLength;
        return new RemoteFile(url, length, validator, accepts && validator.Length > 0, OfferedDigests.Of(answer, isPart));
    }

    /// <summary>Whether an answer has exactly this part of this version.</summary>
    public bool IsPart(HttpResponseMessage answer, FileRange part)
    {
        if (answer.StatusCode != HttpStatusCode.PartialContent || answer.Content.Headers.ContentRange is not { } range) return false;
        // A server need not repeat the date that it was asked for; an entity tag it must.
        var validator = ValidatorOf(answer);
        if (validator.Length > 0 && validator != part.Validator) return false;
        var isSame = range.Unit == "bytes" && range.From == part.From && range.Length == Length && range.To + 1 == (part.End ?? Length);
        return isSame && (answer.Content.Headers.ContentLength is not { } sent || sent == range.To + 1 - range.From);
    }

    private static string ValidatorOf(HttpResponseMessage answer)
    {
        if (answer.Headers.ETag is { } tag) return tag.IsWeak ? "" : tag.Tag;
        // A malformed one must not make the date count.
        if (answer.Headers.NonValidated.Contains("ETag")) return "";
        return answer.Content.Headers.LastModified is { } changed && answer.Headers.Date is { } now && now - changed >= Settled
            ? changed.ToString("r", CultureInfo.InvariantCulture) : "";
    }
}
