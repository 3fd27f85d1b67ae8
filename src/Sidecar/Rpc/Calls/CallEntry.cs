using System.Globalization;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Sidecar.Telemetry.Calls;

namespace Sidecar.Rpc.Calls;

/// <summary>
/// Where a call enters: begins its span, and ends it for a call that no interceptor sees, as its message could not be
/// read. Of those the server says UNKNOWN, "Exception was thrown by handler", when the bytes are no such message; they
/// get INTERNAL, as other servers of gRPC answer, and a text that says whose fault it is.
/// </summary>
internal sealed class CallEntry(RequestDelegate next, ILogger<CallObserver> logger)
{
    private const string StatusHeader = "grpc-status";
    private const string MessageHeader = "grpc-message";

    public async Task InvokeAsync(HttpContext http)
    {
        // What is no method of ours has none: its name, which is anybody's, must not become a label.
        if (http.GetEndpoint()?.Metadata.GetMetadata<GrpcMethodMetadata>() is not { Method: var method })
        {
            await next(http);
            return;
        }

        var span = CallSpan.StartServer(method.FullName, http.Request.Headers);
        http.Features.Set(span);
        await next(http);
        if (!span.HasEnded) EndUnread(http, span, method);
    }

    private void EndUnread(HttpContext http, CallSpan span, IMethod method)
    {
        var outcome = HangUp.HasHappened(http) ? Status.DefaultCancelled : StatusOf(http.Response);
        if (outcome.StatusCode == StatusCode.Unknown && !http.Response.HasStarted)
        {
            outcome = new Status(
                StatusCode.Internal, $"The request could not be read: its bytes are no message that {method.Name} takes.");
            http.Response.Headers[StatusHeader] = ((int)outcome.StatusCode).ToString(CultureInfo.InvariantCulture);
            http.Response.Headers[MessageHeader] = outcome.Detail;
        }

        logger.CallEnded(method.FullName, outcome);
        span.End(outcome);
    }

    // Nothing was sent yet, so that the status is among the headers.
    private static Status StatusOf(HttpResponse response) =>
        int.TryParse(response.Headers[StatusHeader], CultureInfo.InvariantCulture, out var code)
            ? new Status((StatusCode)code, response.Headers[MessageHeader].ToString())
            : new Status(StatusCode.Unknown, "The call ended without a status.");
}
