using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace Sidecar.Benchmarks;

/// <summary>
/// Kestrel alone: takes whatever bytes a gRPC call sends and drops them. What is between it and the daemon is the daemon's own; what
/// is between it and the others is the stack's.
/// </summary>
internal static class BareServer
{
    // A message of no bytes, which is any message with all its fields unset: no compression, and its length.
    private static readonly byte[] EmptyMessage = new byte[5];

    public static async Task RunAsync(string socket)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.ListenUnixSocket(socket, listener => listener.Protocols = HttpProtocols.Http2);
        });
        await using var server = builder.Build();
        server.Run(AnswerAsync);
        await server.RunAsync();
    }

    private static async Task AnswerAsync(HttpContext call)
    {
        while (true)
        {
            var read = await call.Request.BodyReader.ReadAsync(call.RequestAborted);
            call.Request.BodyReader.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted) break;
        }

        call.Response.ContentType = "application/grpc";
        await call.Response.BodyWriter.WriteAsync(EmptyMessage, call.RequestAborted);
        call.Features.GetRequiredFeature<IHttpResponseTrailersFeature>().Trailers["grpc-status"] = "0";
    }
}
