using System.Net;
using Yarp.ReverseProxy.Forwarder;

namespace Sidecar.Ingest.Proxy;

/// <summary>
/// A request as Glance gets it: the same method, target, headers and body, except for what belongs to one connection, the
/// headers in which a proxy says for whom it asks, and a ticket, which nobody brings in from outside.
/// </summary>
internal class PassedRequest : HttpTransformer
{
    /// <summary>By this Glance's side knows that the bytes of an upload wait here.</summary>
    public const string TicketHeader = "X-Staging-Sidecar-Ticket";

    private const string Forwarded = "Forwarded";
    private const string ForwardedFor = "X-Forwarded-For";
    private const string ForwardedProto = "X-Forwarded-Proto";

    public override async ValueTask TransformRequestAsync(
        HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
    {
        await base.TransformRequestAsync(httpContext, proxyRequest, destinationPrefix, cancellationToken);
        proxyRequest.RequestUri = new Uri(
            destinationPrefix + RequestTarget.Of(httpContext),
            new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
        proxyRequest.Headers.ConnectionClose = true; // see Upstream
        RemoveTickets(httpContext.Request, proxyRequest);
        TellClient(httpContext, proxyRequest);
    }

    // WSGI servers make the same variable of a hyphen and of an underscore.
    private static void RemoveTickets(HttpRequest request, HttpRequestMessage passed)
    {
        foreach (var name in request.Headers.Keys)
        {
            if (!name.Replace('_', '-').Equals(TicketHeader, StringComparison.OrdinalIgnoreCase)) continue;
            passed.Headers.Remove(name);
        }
    }

    // As a proxy among others: it adds itself to what came, and the first of them says what the client used.
    private static void TellClient(HttpContext http, HttpRequestMessage passed)
    {
        var client = http.Connection.RemoteIpAddress is { } address ? Text(address) : null; // none over a Unix socket
        var headers = http.Request.Headers;
        if (client is not null) Set(passed, ForwardedFor, [.. headers[ForwardedFor].OfType<string>(), client], ", ");
        if (!headers.ContainsKey(ForwardedProto)) Set(passed, ForwardedProto, [http.Request.Scheme], "");
        if (!headers.TryGetValue(Forwarded, out var earlier)) return;
        var node = client is null ? "unknown" : client.Contains(':', StringComparison.Ordinal) ? $"\"[{client}]\"" : client;
        Set(passed, Forwarded, [.. earlier.OfType<string>(), $"for={node};proto={http.Request.Scheme}"], ", ");
    }

    private static string Text(IPAddress address) => (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).ToString();

    private static void Set(HttpRequestMessage passed, string name, string[] values, string separator)
    {
        passed.Headers.Remove(name);
        passed.Headers.TryAddWithoutValidation(name, string.Join(separator, values));
    }
}
