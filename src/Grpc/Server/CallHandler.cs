using Grpc.Core;
using Grpc.Telemetry;
using Microsoft.AspNetCore.Http;

namespace Grpc.Server;

/// <summary>
/// Runs one method's calls, whatever their kind: admission, handler, status. What differs between the kinds,
/// receiving the requests and sending the responses, is in <paramref name="invoke"/>.
/// </summary>
internal sealed class CallHandler(IMethod method, ServerSettings settings, Func<ServerCall, Task> invoke)
{
    public Task HandleAsync(HttpContext http)
    {
        if (RequestGuard.Admit(http))
            return RunAsync(http);

        ServerLog.Refused(settings.Log, method.FullName, $"HTTP {http.Response.StatusCode}");
        return Task.CompletedTask;
    }

    private async Task RunAsync(HttpContext http)
    {
        var span = CallSpan.StartServer(method, http);
        using var call = new ServerCall(http, method, settings);
        if (call.Refusal() is { } refusal)
        {
            http.Response.Headers[Wire.HeaderNames.AcceptEncoding] = Wire.MessageEncoding.Accepted;
            await call.EndAsync(refusal);
            span.End(call.Outcome);
            return;
        }

        try
        {
            await invoke(call);
            await call.EndAsync(call.Status);
        }
        catch (Exception failure)
        {
            // The root of the call: whatever went wrong becomes its status.
            await call.EndFailedAsync(failure);
        }
        finally
        {
            // Only now, because the handler may still have been using the last message's memory.
            call.Requests.Release();
            span.End(call.Outcome);
        }
    }
}
