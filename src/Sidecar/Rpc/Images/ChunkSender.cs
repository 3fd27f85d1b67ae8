using System.Buffers;
using Glance.Sidecar.V1;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Win32.SafeHandles;
using Sidecar.Staging.Files;

namespace Sidecar.Rpc.Images;

/// <summary>
/// Sends parts of one file as the messages of one ReadImage call. While a chunk is on its way the next one is read and its checksum
/// computed. Dispose it when all is sent, or when that failed.
/// </summary>
/// <param name="sent">Told of the bytes of each chunk.</param>
internal sealed class ChunkSender(
    SafeFileHandle file, long total, IServerStreamWriter<ReadImageResponse> stream, Action<long> sent) : IAsyncDisposable
{
    private const int ChunkBytes = 512 << 10; // several fit into a client's flow-control window

    // One that is being sent, and one to read into.
    private readonly byte[]?[] _buffers = new byte[2][];
    private int _free;
    private Task _sending = Task.CompletedTask;
    private int _sendingBytes;

    /// <summary>Nothing was sent yet.</summary>
    public bool IsFirst { get; private set; } = true;

    /// <summary>Where the last chunk that was given to the stream ends.</summary>
    public long Offset { get; private set; }

    public async Task SendAsync(long offset, long end, CancellationToken cancellationToken)
    {
        while (offset < end)
        {
            var buffer = _buffers[_free] ??= ArrayPool<byte>.Shared.Rent((int)Math.Min(total, ChunkBytes));
            var read = RandomAccess.Read(file, buffer.AsSpan(0, (int)Math.Min(end - offset, buffer.Length)), offset);
            if (read == 0) throw new IOException($"The file ends at {offset}, before {end}.");
            await SendAsync(offset, buffer.AsMemory(0, read), cancellationToken);
            _free ^= 1;
            offset += read;
        }
    }

    /// <summary>Sends what is on its way, and, where the last chunk ended before or there was none, where the part of the file ends.</summary>
    public async Task FinishAsync(long end, CancellationToken cancellationToken)
    {
        if (Offset < end || IsFirst) await SendAsync(end, ReadOnlyMemory<byte>.Empty, cancellationToken);
        await SentAsync();
    }

    public async ValueTask DisposeAsync()
    {
        // After a failure to read a chunk may still be on its way, in a buffer that must not be another's then.
        await _sending.ContinueWith(_ => { }, TaskScheduler.Default);
        foreach (var buffer in _buffers)
        {
            if (buffer is not null) ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async Task SendAsync(long offset, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        var message = new ReadImageResponse
        {
            Offset = (ulong)offset,
            Data = UnsafeByteOperations.UnsafeWrap(data),
            Crc32C = Crc32C.Append(Crc32C.Empty, data.Span),
        };
        if (IsFirst) message.TotalSize = (ulong)total;
        await SentAsync();
        _sending = stream.WriteAsync(message, cancellationToken);
        _sendingBytes = data.Length;
        IsFirst = false;
        Offset = offset + data.Length;
    }

    private async Task SentAsync()
    {
        await _sending;
        if (_sendingBytes > 0) sent(_sendingBytes);
        _sendingBytes = 0;
    }
}
