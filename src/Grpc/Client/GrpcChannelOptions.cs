namespace Grpc.Net.Client;

/// <summary>How a channel reaches its server. Read once, when the channel is made.</summary>
public sealed class GrpcChannelOptions
{
    /// <summary>Sends the requests; carries TLS options, keepalive pings, connect callbacks. Null for a
    /// <see cref="SocketsHttpHandler"/> of the channel's own.</summary>
    public HttpMessageHandler? HttpHandler { get; set; }

    /// <summary>Whether disposing the channel disposes <see cref="HttpHandler"/>; its own it always does.</summary>
    public bool DisposeHttpClient { get; set; }

    /// <summary>Largest response in bytes, after decompression; null for no limit.</summary>
    public int? MaxReceiveMessageSize { get; set; } = 4 * 1024 * 1024;

    /// <summary>Largest request in bytes, before compression; null for no limit.</summary>
    public int? MaxSendMessageSize { get; set; }

    internal TimeProvider TimeProvider { get; set; } = TimeProvider.System;
}
