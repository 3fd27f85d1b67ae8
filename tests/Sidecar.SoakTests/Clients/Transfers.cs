using Glance.Sidecar.V1;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Grpc.Net.Client;
using Sidecar.FunctionalTests.Infrastructure;
using Sidecar.Peers.Calls;
using Sidecar.SoakTests.Ledger;
using Testing;

namespace Sidecar.SoakTests.Clients;

/// <summary>The streams of bytes that clients send and receive.</summary>
internal static class Transfers
{
    private const int Chunk = 256 << 10;

    /// <summary>
    /// A connection for one upload. HttpClient may send data of a call that is cancelled after its reset, for which Kestrel
    /// ends the connection, with all that others do on it.
    /// </summary>
    public static GrpcChannel Connect(SidecarInstance pod) => SocketChannel.Open(pod.Socket, handler => new SingleAttempt(handler));

    public static StageStream Stage(GrpcChannel connection, CancellationToken deadline) =>
        new(new Glance.Sidecar.V1.Staging.StagingClient(connection.Intercept(new StatusOfWrites())), deadline);

    /// <summary>Sends content from an offset to an end, holes as such.</summary>
    public static async Task SendAsync(StageStream stage, ImageContent content, int from, int to)
    {
        var (hole, length) = content.Zeros;
        for (var at = from; at < to;)
        {
            var isHole = length > 0 && at == hole && hole + length <= to;
            var next = isHole ? hole + length : Math.Min(Math.Min(at + Chunk, to), length > 0 && at < hole ? hole : int.MaxValue);
            if (isHole) await stage.SendAsync(new StageRequest { Chunk = new StageChunk { Zeros = (ulong)length } });
            else await stage.ChunkAsync(content.Bytes.AsMemory(at, next - at));
            at = next;
        }
    }

    /// <summary>Stages all of an image, from an offset on.</summary>
    public static async Task<StagedImage> StageAsync(SidecarInstance pod, Life life, StageHeader header, CancellationToken deadline)
    {
        using var connection = Connect(pod);
        using var stage = Stage(connection, deadline);
        await stage.SendAsync(new StageRequest { Header = header });
        await SendAsync(stage, life.Content, (int)header.ResumeOffset, life.Content.Bytes.Length);
        return await stage.FinishAsync((ulong)life.Content.Bytes.Length);
    }

    /// <summary>Reads an image or the output of its import, or a part of it.</summary>
    public static async Task<byte[]> ReadAsync(SidecarInstance pod, ReadImageRequest request, CancellationToken deadline)
    {
        using var bytes = new MemoryStream();
        using var call = pod.Staging.ReadImage(request, cancellationToken: deadline);
        await foreach (var part in call.ResponseStream.ReadAllAsync(deadline)) bytes.Write(part.Data.Span);
        return bytes.ToArray();
    }
}
