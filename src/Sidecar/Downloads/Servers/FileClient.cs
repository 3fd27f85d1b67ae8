using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Sidecar.Downloads.Core;
using Sidecar.Telemetry;

namespace Sidecar.Downloads.Servers;

/// <summary>
/// Asks web servers for one download. Its connections are its own: none that was judged by other rules is ever used again. It
/// keeps no cookies, asks for no compression and undoes none, uses no proxy, sends no credentials, and tells nobody's trace ids.
/// </summary>
internal sealed class FileClient(TargetRules rules, DownloadsOptions options) : IDisposable
{
    private const int MaxHeaderKiB = 32;
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";

    private static readonly ProductInfoHeaderValue Agent = new("glance-staging-sidecar", SidecarVersion.Text);

    private readonly HttpMessageInvoker _http = new(NewHandler(rules, options));

    /// <summary>Asks for a file, or for a part of it, following redirects. The answer is the caller's to dispose.</summary>
    /// <exception cref="DownloadException">Anything but a file, or an answer to a part that was asked for.</exception>
    public async Task<(HttpResponseMessage Answer, Uri Url)> GetAsync(Uri url, FileRange? part, CancellationToken cancellationToken)
    {
        for (var redirects = 0; ; redirects++)
        {
            rules.Check(url);
            var answer = await SendAsync(url, part, cancellationToken);
            if (IsFile(answer.StatusCode, part)) return (answer, url);
            using (answer)
            {
                if (!IsRedirect(answer) || redirects >= options.MaxRedirects) throw Answers.Refusal(answer, url);
                url = Next(url, answer.Headers.NonValidated["Location"].ToString());
            }
        }
    }

    public void Dispose() => _http.Dispose();

    private async Task<HttpResponseMessage> SendAsync(Uri url, FileRange? part, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        request.Headers.UserAgent.Add(Agent);
        request.Headers.AcceptEncoding.Add(new StringWithQualityHeaderValue("identity"));
        if (part is not null)
        {
            request.Headers.Range = new RangeHeaderValue(part.From, part.End - 1);
            request.Headers.TryAddWithoutValidation("If-Range", part.Validator);
        }

        using var silent = new CancellationTokenSource(options.IdleTimeout);
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(silent.Token, cancellationToken);
        try
        {
            return await _http.SendAsync(request, ends.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // It was the connection that was not made in time, unless it was the answer.
            throw silent.IsCancellationRequested ? Answers.Silent(url, options) : Answers.Unreached(url);
        }
        catch (HttpRequestException failure)
        {
            throw Answers.Failure(failure, url);
        }
    }

    private static bool IsFile(HttpStatusCode status, FileRange? part) =>
        status == HttpStatusCode.OK || (part is not null && status == HttpStatusCode.PartialContent);

    private static bool IsRedirect(HttpResponseMessage answer) =>
        (int)answer.StatusCode is 301 or 302 or 303 or 307 or 308 && answer.Headers.NonValidated.Contains("Location");

    private static Uri Next(Uri from, string location) => Uri.TryCreate(from, location, out var next)
        ? TargetRules.Parse(next.AbsoluteUri)
        : throw new DownloadException(
            DownloadError.UrlInvalid, $"The server {TargetRules.HostOf(from)} redirects to what is no URL.", Remedy.None);

    private static SocketsHttpHandler NewHandler(TargetRules rules, DownloadsOptions options) => new()
    {
        ConnectCallback = new JudgedConnect(rules).ConnectAsync,
        ConnectTimeout = options.ConnectTimeout,
        MaxResponseHeadersLength = MaxHeaderKiB,
        MaxResponseDrainSize = 0,
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        UseCookies = false,
        UseProxy = false,
        Credentials = null,
        ActivityHeadersPropagator = null,
        SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = Trust() },
    };

    // A chain may name where its other certificates and its revocations are found; to ask there would be a request to wherever a
    // stranger wants.
    private static X509ChainPolicy Trust()
    {
        var policy = new X509ChainPolicy { DisableCertificateDownloads = true, RevocationMode = X509RevocationMode.NoCheck };
        policy.ApplicationPolicy.Add(new Oid(ServerAuthentication));
        return policy;
    }
}
