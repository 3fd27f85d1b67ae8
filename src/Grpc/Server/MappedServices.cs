using Grpc.AspNetCore.Server;
using Grpc.Core;
using Grpc.Wire;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Grpc.Server;

/// <summary>The services of this server, and the answer to calls of any other.</summary>
internal sealed class MappedServices(
    IOptions<GrpcServiceOptions> options,
    TimeProvider time,
    ILoggerFactory loggers)
{
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private bool _restMapped;

    public ServerSettings Settings { get; } = new(options.Value, time, loggers.CreateLogger("Grpc.Server"));

    public void Add(string serviceName) => _names.Add(serviceName);

    /// <summary>Answers what no service does, once per server. Other content types stay the application's.</summary>
    public void MapRest(IEndpointRouteBuilder builder)
    {
        if (_restMapped)
            return;

        _restMapped = true;
        var pattern = RoutePatternFactory.Parse(
            "{service}/{method}",
            defaults: null,
            parameterPolicies: new RouteValueDictionary { ["method"] = new GrpcCallsOnly() });
        builder.Map(pattern, RefuseAsync).WithDisplayName("gRPC - anything unknown");
    }

    private Task RefuseAsync(HttpContext http)
    {
        var service = (string?)http.Request.RouteValues["service"] ?? "";
        var what = _names.Contains(service) ? "method" : "service";
        var status = new Status(StatusCode.Unimplemented, $"The {what} of {http.Request.Path} is not known here.");
        ServerLog.Refused(Settings.Log, http.Request.Path, status.Detail);
        if (RequestGuard.Admit(http))
            ServerTrailers.Write(http, status, Metadata.Empty, inHeaders: true, Settings.Log);

        return Task.CompletedTask;
    }

    private sealed class GrpcCallsOnly : IRouteConstraint
    {
        public bool Match(
            HttpContext? httpContext,
            IRouter? route,
            string routeKey,
            RouteValueDictionary values,
            RouteDirection routeDirection) =>
            httpContext is not null && HeaderNames.IsGrpc(httpContext.Request.ContentType);
    }
}
