using System.Collections.Frozen;

namespace Grpc.Wire;

/// <summary>The headers that the protocol itself uses.</summary>
internal static class HeaderNames
{
    public const string ContentType = "application/grpc";
    public const string Status = "grpc-status";
    public const string Message = "grpc-message";
    public const string Timeout = "grpc-timeout";
    public const string Encoding = "grpc-encoding";
    public const string AcceptEncoding = "grpc-accept-encoding";

    /// <summary>Metadata that asks this library for a message encoding; it never reaches the wire.</summary>
    public const string EncodingRequest = "grpc-internal-encoding-request";

    private static readonly FrozenSet<string> Reserved = FrozenSet.Create(
        StringComparer.OrdinalIgnoreCase,
        Status, Message, Timeout, Encoding, AcceptEncoding, EncodingRequest,
        "content-type", "content-length", "te", "host", "accept-encoding", "date", "server", "trailer");

    /// <summary>Whether callers neither see nor set it as metadata.</summary>
    public static bool IsReserved(string name) => name.StartsWith(':') || Reserved.Contains(name);

    /// <summary><c>application/grpc</c>, also with a suffix (+proto) or parameters.</summary>
    public static bool IsGrpc(string? contentType) =>
        contentType is not null
        && contentType.StartsWith(ContentType, StringComparison.OrdinalIgnoreCase)
        && (contentType.Length == ContentType.Length || contentType[ContentType.Length] is '+' or ';' or ' ');
}
