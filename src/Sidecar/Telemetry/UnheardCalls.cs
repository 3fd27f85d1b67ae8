namespace Sidecar.Telemetry;

/// <summary>
/// The one event of the gRPC server that the log leaves out: it says at Error, with a stack trace, that the handler
/// failed, when a client hung up before its request was read, or its deadline passed while the answer was written. That is no fault
/// of ours, and happens at will.
/// </summary>
internal static class UnheardCalls
{
    private const string ServerCategory = "Grpc.AspNetCore.Server";
    private const string FailedEvent = "ErrorExecutingServiceMethod";

    /// <summary>
    /// What a handler throws is mapped and logged before it gets there. What is left is of the connection: an IOException where the
    /// request is read, and, where the answer is written, an InvalidOperationException, as the server has completed it.
    /// </summary>
    public static bool TellsOf(string category, EventId id, Exception? failure) =>
        id.Name == FailedEvent && (failure is IOException or InvalidOperationException)
        && category.StartsWith(ServerCategory, StringComparison.Ordinal);
}
