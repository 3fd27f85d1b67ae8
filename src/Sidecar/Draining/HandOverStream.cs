using Glance.Sidecar.V1;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.Win32.SafeHandles;
using Sidecar.Peers.Transfer;
using Sidecar.Staging.Files;
using Peer = Sidecar.Peers.Membership.Peer;
using StagedImage = Sidecar.Staging.Core.StagedImage;

namespace Sidecar.Draining;

/// <summary>
/// One Stage call that sends an image to a peer, without its holes. All digests of the image are expected of the
/// receiver, so that it commits these very bytes or nothing.
/// </summary>
internal sealed class HandOverStream(TransferContext context, StagedImage image, SafeFileHandle file)
{
    private const int ChunkBytes = 512 << 10; // several fit into the receiver's flow-control window

    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>((int)Math.Clamp(image.Size, 1, ChunkBytes));

    /// <param name="resumeOffset">Where the receiver's part ends; null to start over.</param>
    /// <param name="sent">Told of the offset that was reached and of the bytes that were sent for it.</param>
    /// <exception cref="RpcException">The receiver refused, or the connection broke.</exception>
    /// <exception cref="IOException">The image cannot be read.</exception>
    public async Task<Glance.Sidecar.V1.StagedImage> SendAsync(
        Peer receiver, ulong? resumeOffset, Action<long, int> sent, CancellationToken cancellationToken)
    {
        using var call = receiver.Staging.Stage(context.Mark.Metadata(), null, cancellationToken);
        await call.RequestStream.WriteAsync(new StageRequest { Header = Header(resumeOffset) }, cancellationToken);
        for (var offset = (long)(resumeOffset ?? 0); offset < image.Size;)
        {
            var (start, end) = Posix.NextData(file, offset, image.Size);
            if (start > offset) await SendHoleAsync(call.RequestStream, offset, start, cancellationToken);
            sent(start, 0);
            await SendDataAsync(call.RequestStream, start, end, sent, cancellationToken);
            offset = end;
        }

        var finish = new StageFinish { TotalSize = (ulong)image.Size };
        await call.RequestStream.WriteAsync(new StageRequest { Finish = finish }, cancellationToken);
        await call.RequestStream.CompleteAsync();
        return await call.ResponseAsync;
    }

    private StageHeader Header(ulong? resumeOffset)
    {
        var header = new StageHeader
        {
            ImageId = image.Id.ToString(), DeclaredSize = (ulong)image.Size, ProjectId = image.ProjectId,
            HandedOverBy = context.Staging.Options.PodName,
            FirstCommittedAt = (image.FirstCommittedAt ?? image.CommittedAt).ToTimestamp(),
            ExpectedDigests = { image.Digests.ToDictionary() },
        };
        if (resumeOffset is { } offset) header.ResumeOffset = offset;
        return header;
    }

    private static Task SendHoleAsync(
        IClientStreamWriter<StageRequest> stream, long from, long to, CancellationToken cancellationToken)
    {
        var chunk = new StageChunk { Offset = (ulong)from, Zeros = (ulong)(to - from) };
        return stream.WriteAsync(new StageRequest { Chunk = chunk }, cancellationToken);
    }

    private async Task SendDataAsync(
        IClientStreamWriter<StageRequest> stream, long from, long to, Action<long, int> sent,
        CancellationToken cancellationToken)
    {
        while (from < to)
        {
            var read = RandomAccess.Read(file, _buffer.AsSpan(0, (int)Math.Min(to - from, _buffer.Length)), from);
            if (read == 0) throw new IOException($"The image's file ends at {from}, before {to}.");
            var chunk = new StageChunk
            {
                Offset = (ulong)from,
                // The buffer is free again when WriteAsync returns, as the message is serialised by then.
                Data = UnsafeByteOperations.UnsafeWrap(_buffer.AsMemory(0, read)),
                Crc32C = Crc32C.Append(Crc32C.Empty, _buffer.AsSpan(0, read)),
            };
            await stream.WriteAsync(new StageRequest { Chunk = chunk }, cancellationToken);
            from += read;
            context.Metrics.HandOverSent(read);
            sent(from, read);
        }
    }
}
