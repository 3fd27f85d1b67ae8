using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http.Features;
using Sidecar.Staging.Core;

namespace Sidecar.Ingest.Proxy;

/// <summary>
/// A request's target, exactly as it was sent: nothing is decoded, and no dot segment removed, as Glance's server may do that in
/// another way than ours. An upload is one only by the one spelling that nobody can read in two ways; every other spelling of it
/// is passed on as it is, and Glance itself takes the bytes, if they are an upload to it.
/// </summary>
internal static partial class RequestTarget
{
    public static string Of(HttpContext http) => http.Features.Get<IHttpRequestFeature>()!.RawTarget;

    /// <summary>Why a request must not be passed on; null when it may be.</summary>
    public static string? Fault(HttpContext http)
    {
        if (HttpMethods.IsConnect(http.Request.Method)) return "CONNECT is for proxies of another kind.";
        var target = Of(http);
        // Absolute forms are for proxies that a client chose, and name a host a second time.
        if (!target.StartsWith('/')) return "The request target must be a path; an absolute URL, or *, is not.";
        // Kestrel lets more through than RFC 3986 does; what is sent on must not end a line or begin a new word.
        if (target.AsSpan().ContainsAnyExceptInRange('!', '~')) return "The request target has a character that must be percent-encoded.";
        // Kestrel goes by the encoding, as it has to, and puts the length aside; but who sends both hopes that somebody goes by the other.
        return HasTwoLengths(http.Request) ? "The request has both a Transfer-Encoding and a Content-Length." : null;
    }

    /// <summary>The image whose upload this request is; null when it is another request.</summary>
    public static ImageId? Upload(HttpContext http) => http.Request.Method == HttpMethods.Put ? Staged(http) : null;

    /// <summary>The image whose upload this request asks for, how far it came; null when it is another request.</summary>
    public static ImageId? Question(HttpContext http) => http.Request.Method == HttpMethods.Head ? Staged(http) : null;

    private static ImageId? Staged(HttpContext http) =>
        Stage().Match(Of(http)) is { Success: true } match ? ImageId.Parse(match.Groups[1].Value) : null;

    private static bool HasTwoLengths(HttpRequest request) => request.Headers.TransferEncoding.Count > 0
        && (request.Headers.ContentLength is not null || request.Headers.ContainsKey("X-Content-Length"));

    // Lower case only, no query, nothing encoded.
    [GeneratedRegex(@"\A/v2/images/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})/stage\z", RegexOptions.CultureInvariant)]
    private static partial Regex Stage();
}
