using Grpc.Wire;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Grpc.Server;

/// <summary>What is wrong with a request on the HTTP level, before it is a gRPC call.</summary>
internal static class RequestGuard
{
    /// <summary>False when the request was answered with an HTTP error.</summary>
    public static bool Admit(HttpContext http)
    {
        if (!HttpMethods.IsPost(http.Request.Method))
        {
            http.Response.Headers.Allow = HttpMethods.Post;
            return Refuse(http, StatusCodes.Status405MethodNotAllowed);
        }

        if (!HttpProtocol.IsHttp2(http.Request.Protocol) && !HttpProtocol.IsHttp3(http.Request.Protocol))
        {
            http.Response.Headers.Upgrade = "h2c";
            http.Response.Headers.Connection = "Upgrade";
            return Refuse(http, StatusCodes.Status426UpgradeRequired);
        }

        return HeaderNames.IsGrpc(http.Request.ContentType)
            || Refuse(http, StatusCodes.Status415UnsupportedMediaType);
    }

    /// <summary>Lifts the limits that are meant for short bodies: a stream may be long, and may pause.</summary>
    public static void LiftBodyLimits(HttpContext http)
    {
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            size.MaxRequestBodySize = null;
        if (http.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate)
            rate.MinDataRate = null;
    }

    private static bool Refuse(HttpContext http, int statusCode)
    {
        http.Response.StatusCode = statusCode;
        return false;
    }
}
