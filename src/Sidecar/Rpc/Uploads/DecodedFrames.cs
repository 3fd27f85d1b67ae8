using System.Buffers;
using Glance.Sidecar.V1;
using Grpc.Core;

namespace Sidecar.Rpc.Uploads;

/// <summary>The messages of a Stage call whose client compresses them, which the server has decoded.</summary>
internal sealed class DecodedFrames(IAsyncStreamReader<StageRequest> messages) : IAsyncStreamReader<StageFrame>
{
    public StageFrame Current => messages.Current switch
    {
        { Header: { } header } => new StageFrame { Header = header },
        { Finish: { } finish } => new StageFrame { Finish = finish },
        { Chunk: { } chunk } => new StageFrame
        {
            IsChunk = true,
            Data = new ReadOnlySequence<byte>(chunk.Data.Memory),
            Offset = chunk.HasOffset ? (long)Math.Min(chunk.Offset, long.MaxValue) : null,
            Crc32C = chunk.HasCrc32C ? chunk.Crc32C : null,
            Zeros = (long)Math.Min(chunk.Zeros, long.MaxValue),
        },
        _ => new StageFrame(),
    };

    public Task<bool> MoveNext(CancellationToken cancellationToken) => messages.MoveNext(cancellationToken);
}
