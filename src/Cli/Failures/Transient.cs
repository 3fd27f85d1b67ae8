using Grpc.Core;

namespace Stagectl.Failures;

/// <summary>Which failures another attempt may mend.</summary>
internal static class Transient
{
    public static bool Is(RpcException failure, CancellationToken interrupted) =>
        !interrupted.IsCancellationRequested && Failure.ReasonOf(failure) switch
        {
            // Without a reason it is the connection that failed: closed, reset, or garbled on the way.
            "" => failure.StatusCode
                is StatusCode.Unavailable or StatusCode.Internal or StatusCode.Cancelled or StatusCode.DataLoss,

            // UPLOAD_TAKEN_OVER is not among them: two senders that retry would take it from each other for ever.
            "CHUNK_CORRUPT" or "DRAINING" or "IDLE_TIMEOUT" or "IMPORT_INTERRUPTED" or "OVERLOADED" => true,
            _ => false,
        };
}
