using System.IO.Compression;

namespace Grpc.AspNetCore.Server;

/// <summary>How this server treats every gRPC call. Read once, when the services are mapped.</summary>
public sealed class GrpcServiceOptions
{
    // What gRPC implementations agree on: a peer that needs more should stream.
    internal const int DefaultMaxReceiveMessageSize = 4 * 1024 * 1024;

    /// <summary>Largest request in bytes, after decompression; null for no limit. A larger one ends its call with
    /// RESOURCE_EXHAUSTED as soon as its length is known.</summary>
    public int? MaxReceiveMessageSize { get; set; } = DefaultMaxReceiveMessageSize;

    /// <summary>Largest response in bytes, before compression; null for no limit.</summary>
    public int? MaxSendMessageSize { get; set; }

    /// <summary>Whether a client sees an unexpected exception's message. Off: it may tell secrets.</summary>
    public bool? EnableDetailedErrors { get; set; }

    /// <summary><c>gzip</c> to compress responses for clients that accept it; null not to.</summary>
    public string? ResponseCompressionAlgorithm { get; set; }

    /// <summary>Fastest unless set: the aim is a shorter wait, not a smaller archive.</summary>
    public CompressionLevel? ResponseCompressionLevel { get; set; }
}
