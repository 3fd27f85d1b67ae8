using Glance.Sidecar.V1;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Win32.SafeHandles;
using Sidecar.Staging.Files;

namespace Sidecar.Rpc.Images;

/// <summary>Sends parts of one file as the messages of one ReadImage call.</summary>
/// <param name="sent">Told of the bytes of each chunk.</param>
internal sealed class ChunkSender(
    SafeFileHandle file, long total, IServerStreamWriter<ReadImageResponse> stream, Action<long> sent)
{
    private const int ChunkBytes = 512 << 10; // several fit into a client's flow-control window

    private byte[] _buffer = [];

    /// <summary>Nothing was sent yet.</summary>
    public bool IsFirst { get; private set; } = true;

    /// <summary>Where the last chunk that was sent ends.</summary>
    public long Offset { get; private set; }

    public async Task SendAsync(long offset, long end, CancellationToken cancellationToken)
    {
        if (_buffer.Length < Math.Min(end - offset, ChunkBytes))
        {
            _buffer = GC.AllocateUninitializedArray<byte>((int)Math.Min(end - offset, ChunkBytes));
        }

        while (offset < end)
        {
            var read = RandomAccess.Read(file, _buffer.AsSpan(0, (int)Math.Min(end - offset, _buffer.Length)), offset);
            if (read == 0) throw new IOException($"The file ends at {offset}, before {end}.");
            await SendAsync(offset, _buffer.AsMemory(0, read), cancellationToken);
            offset += read;
        }
    }

    /// <summary>A chunk without data, which says where the file or the part of it ends.</summary>
    public Task CloseAsync(long end, CancellationToken cancellationToken) =>
        SendAsync(end, ReadOnlyMemory<byte>.Empty, cancellationToken);

    private async Task SendAsync(long offset, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        var message = new ReadImageResponse
        {
            Offset = (ulong)offset,
            // The buffer is free again when WriteAsync returns, as the message is serialised by then.
            Data = UnsafeByteOperations.UnsafeWrap(data),
            Crc32C = Crc32C.Append(Crc32C.Empty, data.Span),
        };
        if (IsFirst) message.TotalSize = (ulong)total;
        await stream.WriteAsync(message, cancellationToken);
        sent(data.Length);
        IsFirst = false;
        Offset = offset + data.Length;
    }
}
