namespace Sidecar.Telemetry;

/// <summary>
/// The one event of the gRPC server that the log leaves out: it says at Error, with a stack trace, that the handler
/// failed, when a client hung up before its request was read. That is no fault of ours, and happens at will.
/// </summary>
internal static class UnreadRequests
{
    private const string ServerCategory = "Grpc.AspNetCore.Server";
    private const string FailedEvent = "ErrorExecutingServiceMethod";

    /// <summary>An IOException is the connection's: one that a handler throws is mapped and logged before it gets there.</summary>
    public static bool TellsOf(string category, EventId id, Exception? failure) =>
        id.Name == FailedEvent && failure is IOException && category.StartsWith(ServerCategory, StringComparison.Ordinal);
}
