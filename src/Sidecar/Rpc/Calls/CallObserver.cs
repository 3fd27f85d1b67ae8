using Grpc.Core;
using Microsoft.AspNetCore.Http.Features;
using Sidecar.Rpc.Statuses;
using Sidecar.Telemetry.Calls;

namespace Sidecar.Rpc.Calls;

/// <summary>
/// Measures, traces and logs every call that reaches a handler, and gives a handler's bug and a call that its client
/// gave up the status that they stand for.
/// </summary>
/// <remarks>
/// A call whose deadline passes is answered by the server the moment it does, whatever its handler does afterwards; a
/// handler that ends later, well or not, is reported as DEADLINE_EXCEEDED here too, as that is what the client saw.
/// </remarks>
internal sealed class CallObserver(TimeProvider clock, ILogger<CallObserver> logger) : ServerInterceptor
{
    private static readonly Status DeadlinePassed = new(StatusCode.DeadlineExceeded, "The deadline has passed.");

    protected override async Task<T> AroundAsync<T>(ServerCallContext call, Func<Task<T>> handler)
    {
        var span = call.GetHttpContext().Features.GetRequiredFeature<CallSpan>();
        var outcome = Status.DefaultSuccess;
        try
        {
            return await handler();
        }
        catch (Exception failure)
        {
            // The root of the call: whatever went wrong becomes its status.
            var told = ToRpc(failure, call);
            outcome = told.Status;
            throw told;
        }
        finally
        {
            if (HasPassedDeadline(call)) outcome = DeadlinePassed;
            logger.CallEnded(call.Method, outcome);
            span.End(outcome);
        }
    }

    private RpcException ToRpc(Exception failure, ServerCallContext call)
    {
        if (failure is RpcException told) return told;
        if (failure is (OperationCanceledException or IOException or InvalidOperationException)
            && (call.CancellationToken.IsCancellationRequested || HangUp.HasHappened(call.GetHttpContext())))
        {
            // InvalidOperationException: a response that is written to a call that is over.
            logger.ClientGone(failure, call.Method);
            return new RpcException(Status.DefaultCancelled);
        }

        if (FaultMap.IsBug(failure)) logger.HandlerFailed(failure, call.Method);
        else logger.ResourceFailed(failure, call.Method);
        return FaultMap.ToRpc(failure);
    }

    private bool HasPassedDeadline(ServerCallContext call) =>
        call.CancellationToken.IsCancellationRequested && call.Deadline <= clock.GetUtcNow().UtcDateTime;
}
