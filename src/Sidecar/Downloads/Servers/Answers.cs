using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Authentication;
using Sidecar.Downloads.Core;

namespace Sidecar.Downloads.Servers;

/// <summary>What is wrong with an answer, or with the lack of one, in words for whoever gave the URL.</summary>
internal static class Answers
{
    /// <summary>An answer that brings no file.</summary>
    public static DownloadException Refusal(HttpResponseMessage answer, Uri url)
    {
        var (host, status) = (TargetRules.HostOf(url), (int)answer.StatusCode);
        // 416: what is there is shorter than what was asked for, so it is something else.
        var remedy = status switch
        {
            408 or 429 or (>= 500 and not 501 and not 505) => Remedy.Again,
            416 => Remedy.FromStart,
            _ => Remedy.None,
        };
        var why = status is >= 300 and < 400
            ? $"The server {host} answered with status {status}: a redirect too many (Downloads:MaxRedirects), or to nowhere."
            : $"The server {host} answered with status {status}.";
        return new DownloadException(DownloadError.SourceRefused, why, remedy, ("host", host), ("status", status))
        {
            RetryAfter = status is 429 or 503 ? RetryAfter(answer.Headers) : null,
        };
    }

    /// <summary>No answer, or none that is HTTP.</summary>
    public static DownloadException Failure(HttpRequestException failure, Uri url)
    {
        if (Find<DownloadException>(failure) is { } told) return told;
        var host = TargetRules.HostOf(url);
        if (Find<AuthenticationException>(failure) is { } distrust)
        {
            return new DownloadException(
                DownloadError.SourceUntrusted,
                $"The certificate of the server {host} is not trusted: it must be for that name, be valid, and be from an authority "
                + "that this pod knows.",
                Remedy.None, distrust, ("host", host));
        }

        if (failure.HttpRequestError == HttpRequestError.ConfigurationLimitExceeded)
        {
            return new DownloadException(
                DownloadError.SourceRefused, $"The server {host} answered with headers that are too long.", Remedy.None, failure,
                ("host", host), ("status", 0));
        }

        return IsUnreached(failure) ? Unreached(url, failure) : Broke(url, failure);
    }

    /// <summary>No connection; without a failure, as it took too long.</summary>
    public static DownloadException Unreached(Uri url, HttpRequestException? failure = null) => new(
        DownloadError.SourceUnreachable,
        $"The server {TargetRules.HostOf(url)} cannot be reached: {Why(failure)}.",
        Remedy.Again, failure, ("host", TargetRules.HostOf(url)));

    /// <summary>An answer that ended before its end.</summary>
    public static DownloadException Broke(Uri url, Exception failure) => new(
        DownloadError.SourceBroke, $"The server {TargetRules.HostOf(url)} broke the connection off before the end of the file.",
        Remedy.Again, failure, ("host", TargetRules.HostOf(url)));

    public static DownloadException Silent(Uri url, DownloadsOptions options) => new(
        DownloadError.SourceBroke,
        $"The server {TargetRules.HostOf(url)} sent nothing, or next to nothing, for {options.IdleTimeout} or more (Downloads:IdleTimeout).",
        Remedy.Again, ("host", TargetRules.HostOf(url)));

    public static DownloadException Changed(Uri url) => new(
        DownloadError.SourceChanged,
        $"The server {TargetRules.HostOf(url)} cannot send the rest of the file: it has another one by now, or sends it as a whole only.",
        Remedy.FromStart, ("host", TargetRules.HostOf(url)));

    public static DownloadException TooLarge(Uri url, long limit) => new(
        DownloadError.SourceTooLarge, $"The file is larger than an image may be, which is {limit} bytes (image_size_cap).",
        Remedy.None, ("host", TargetRules.HostOf(url)), ("limit", limit));

    // A date is meant by the server's clock, which need not be ours.
    private static TimeSpan? RetryAfter(HttpResponseHeaders headers) => headers.RetryAfter switch
    {
        { Delta: { } wait } => wait,
        { Date: { } then } when headers.Date is { } now => then - now,
        _ => null,
    };

    private static bool IsUnreached(HttpRequestException failure) =>
        failure.HttpRequestError is HttpRequestError.NameResolutionError or HttpRequestError.ConnectionError
        or HttpRequestError.SecureConnectionError;

    private static string Why(HttpRequestException? failure) => Find<SocketException>(failure)?.SocketErrorCode switch
    {
        SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain => "its name has no address",
        SocketError.ConnectionRefused => "nobody listens at its port",
        SocketError.HostUnreachable or SocketError.NetworkUnreachable => "the network has no way to it",
        _ => "no connection was made in time",
    };

    private static T? Find<T>(Exception? failure) where T : Exception
    {
        for (; failure is not null; failure = failure.InnerException)
        {
            if (failure is T found) return found;
        }

        return null;
    }
}
