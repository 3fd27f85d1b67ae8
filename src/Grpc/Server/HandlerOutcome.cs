using Grpc.Core;

namespace Grpc.Server;

/// <summary>The status that a failed handler's exception stands for.</summary>
internal static class HandlerOutcome
{
    public static Task EndFailedAsync(this ServerCall call, Exception failure)
    {
        if (failure is RpcException rpc)
            return call.EndAsync(rpc.Status, rpc.Trailers);

        if (IsGivenUp(call) && failure is (OperationCanceledException or IOException or CallOverException))
        {
            ServerLog.ClientGone(call.Settings.Log, failure, call.Method);
            return call.EndAsync(Status.DefaultCancelled);
        }

        ServerLog.HandlerFailed(call.Settings.Log, failure, call.Method);
        return call.EndAsync(new Status(StatusCode.Unknown, Describe(failure, call.Settings.DetailedErrors)));
    }

    private static bool IsGivenUp(ServerCall call) =>
        call.DeadlinePassed || call.CancellationToken.IsCancellationRequested;

    private static string Describe(Exception failure, bool detailed) => detailed
        ? $"The handler failed. {failure.GetType().Name}: {failure.Message}"
        : "The handler failed.";
}
