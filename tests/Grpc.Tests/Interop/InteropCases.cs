namespace Grpc.Tests.Interop;

/// <summary>The cases by their published names.</summary>
internal static class InteropCases
{
    public static string[] Calls { get; } =
    [
        "empty_unary",
        "large_unary",
        "client_streaming",
        "server_streaming",
        "ping_pong",
        "empty_stream",
        "cancel_after_begin",
        "cancel_after_first_response",
        "timeout_on_sleeping_server",
        "custom_metadata",
        "status_code_and_message",
        "special_status_message",
        "unimplemented_method",
        "unimplemented_service",
        "client_compressed_unary",
        "client_compressed_streaming",
        "server_compressed_unary",
        "server_compressed_streaming",
    ];

    /// <summary>Ours: the standard services, as seen by stubs of the published protos.</summary>
    public static string[] StandardServices { get; } =
        ["health_check", "health_watch", "reflection_v1", "reflection_v1alpha"];

    public static string[] All { get; } = [.. Calls, .. StandardServices];
}
