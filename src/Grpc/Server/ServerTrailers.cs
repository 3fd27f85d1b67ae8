using System.Globalization;
using Grpc.Core;
using Grpc.Wire;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Grpc.Server;

/// <summary>Writes a call's status: as trailers, or as the only headers when there is nothing else to send.</summary>
internal static class ServerTrailers
{
    public static void Write(HttpContext http, Status status, Metadata trailers, bool inHeaders, ILogger log)
    {
        if (inHeaders)
            http.Response.ContentType = HeaderNames.ContentType;

        try
        {
            // Checked as a whole first: half of the trailers would be worse than none.
            MetadataHeaders.Write(trailers, (_, _) => { });
        }
        catch (ArgumentException notAscii)
        {
            ServerLog.TrailersRefused(log, notAscii, http.Request.Path);
            trailers = Metadata.Empty;
            status = new Status(StatusCode.Internal, "The trailers of the call cannot be sent.");
        }

        Add(http, status, trailers, inHeaders);
    }

    private static void Add(HttpContext http, Status status, Metadata trailers, bool inHeaders)
    {
        Action<string, string> add = inHeaders
            ? (name, value) => http.Response.Headers.Append(name, value)
            : http.Response.AppendTrailerLine;
        add(HeaderNames.Status, ((int)status.StatusCode).ToString(CultureInfo.InvariantCulture));
        if (status.Detail.Length > 0)
            add(HeaderNames.Message, PercentEncoding.Encode(status.Detail));

        MetadataHeaders.Write(trailers, add);
    }

    private static void AppendTrailerLine(this HttpResponse response, string name, string value) =>
        response.AppendTrailer(name, value);
}
