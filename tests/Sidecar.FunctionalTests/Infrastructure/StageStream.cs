using Glance.Sidecar.V1;
using Google.Protobuf;
using Grpc.Core;

namespace Sidecar.FunctionalTests.Infrastructure;

/// <summary>A Stage call that a test drives message by message.</summary>
internal sealed class StageStream(Glance.Sidecar.V1.Staging.StagingClient client, CancellationToken cancellationToken) : IDisposable
{
    private readonly AsyncClientStreamingCall<StageRequest, StagedImage> _call =
        client.Stage(cancellationToken: cancellationToken);

    public Task<StagedImage> Result => _call.ResponseAsync;

    public Task HeaderAsync(string imageId, ulong? declaredSize = null, ulong? resumeOffset = null)
    {
        var header = new StageHeader { ImageId = imageId };
        if (declaredSize is { } size) header.DeclaredSize = size;
        if (resumeOffset is { } offset) header.ResumeOffset = offset;
        return SendAsync(new StageRequest { Header = header });
    }

    public Task ChunkAsync(ReadOnlyMemory<byte> data, ulong? offset = null, uint? crc32C = null)
    {
        var chunk = new StageChunk { Data = UnsafeByteOperations.UnsafeWrap(data) };
        if (offset is { } at) chunk.Offset = at;
        if (crc32C is { } crc) chunk.Crc32C = crc;
        return SendAsync(new StageRequest { Chunk = chunk });
    }

    public async Task ContentAsync(ReadOnlyMemory<byte> content, int chunkBytes = 256 << 10)
    {
        for (var at = 0; at < content.Length; at += chunkBytes)
        {
            await ChunkAsync(content.Slice(at, Math.Min(chunkBytes, content.Length - at)));
        }
    }

    public async Task<StagedImage> FinishAsync(ulong totalSize, params (string Name, string Hex)[] digests)
    {
        var finish = new StageFinish { TotalSize = totalSize };
        foreach (var (name, hex) in digests) finish.ExpectedDigests[name] = hex;
        await SendAsync(new StageRequest { Finish = finish });
        await _call.RequestStream.CompleteAsync();
        return await Result;
    }

    public Task CompleteAsync() => _call.RequestStream.CompleteAsync();

    public Task SendAsync(StageRequest request) => _call.RequestStream.WriteAsync(request);

    public void Dispose() => _call.Dispose();
}
