using Microsoft.AspNetCore.Http.Features;
using Sidecar.Ingest.Tickets;

namespace Sidecar.Ingest.Proxy;

/// <summary>
/// A stage request as Glance gets it: with a ticket in place of the body, which waits. Everything that describes the body stays,
/// except how it travels.
/// </summary>
internal sealed class HeldRequest(string ticket, HeldBody body) : PassedRequest
{
    public override async ValueTask TransformRequestAsync(
        HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
    {
        await base.TransformRequestAsync(httpContext, proxyRequest, destinationPrefix, cancellationToken);
        proxyRequest.Content ??= new ByteArrayContent([]);
        proxyRequest.Content.Headers.ContentLength = 0;
        foreach (var name in (string[])["Expect", "Trailer", "TE"]) proxyRequest.Headers.Remove(name);
        proxyRequest.Headers.TryAddWithoutValidation(TicketHeader, ticket);
    }

    public override async ValueTask<bool> TransformResponseAsync(
        HttpContext httpContext, HttpResponseMessage? proxyResponse, CancellationToken cancellationToken)
    {
        var passes = await base.TransformResponseAsync(httpContext, proxyResponse, cancellationToken);
        // What is left of the body would have to be read before the next request of the connection.
        if (!body.IsComplete && !HttpProtocol.IsHttp2(httpContext.Request.Protocol)) httpContext.Response.Headers.Connection = "close";
        return passes;
    }

    /// <summary>For the forwarder, which must not touch the body.</summary>
    public sealed class NoBody : IHttpRequestBodyDetectionFeature
    {
        public bool CanHaveBody => false;
    }
}
