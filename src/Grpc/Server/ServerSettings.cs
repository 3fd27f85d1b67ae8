using System.IO.Compression;
using Grpc.AspNetCore.Server;
using Grpc.Wire;
using Microsoft.Extensions.Logging;

namespace Grpc.Server;

/// <summary>The options as they were when the services were mapped, and what every call shares.</summary>
internal sealed class ServerSettings(GrpcServiceOptions options, TimeProvider time, ILogger log)
{
    public int? MaxReceiveBytes { get; } = options.MaxReceiveMessageSize;

    public int? MaxSendBytes { get; } = options.MaxSendMessageSize;

    public bool DetailedErrors { get; } = options.EnableDetailedErrors ?? false;

    public bool CompressResponses { get; } = options.ResponseCompressionAlgorithm switch
    {
        null or "" or MessageEncoding.Identity => false,
        MessageEncoding.Gzip => true,
        var other => throw new InvalidOperationException($"The response compression '{other}' is not known here."),
    };

    public CompressionLevel CompressionLevel { get; } = options.ResponseCompressionLevel ?? CompressionLevel.Fastest;

    public TimeProvider Time => time;

    public ILogger Log => log;
}
