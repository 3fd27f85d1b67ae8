using Glance.Sidecar.V1;
using Grpc.Core;
using Stagectl.Failures;
using Stagectl.Progress;

namespace Stagectl.Transfer;

/// <summary>
/// Reads an image's bytes in order, checks every chunk, and goes on where it was when the connection breaks.
/// </summary>
internal sealed class Download(
    Invocation invocation, ReadImageRequest request, string label, DownloadTarget target, RetryBackoff patience,
    IProgressDisplay display)
{
    private readonly ulong _start = request.Offset;
    private ulong _next = request.Offset;
    private ulong? _fileSize;

    /// <summary>Bytes that were read.</summary>
    public ulong Received => _next - _start;

    private ulong? End => _fileSize is not { } size ? null
        : request.Length == 0 ? size : Math.Min(size, _start + request.Length);

    /// <exception cref="RpcException">The sidecar refuses, or cannot be reached for too long.</exception>
    public async Task RunAsync()
    {
        while (true)
        {
            try
            {
                await ReceiveAsync();
                await target.CompleteAsync(invocation.Interrupted);
                Show(StageProgress.Types.State.Succeeded);
                return;
            }
            catch (RpcException failure) when (Transient.Is(failure, invocation.Interrupted))
            {
                if (!await patience.WaitAsync(failure, invocation.Interrupted)) throw;
                display.Note($"Broke off at {_next}, going on there: {Failure.TextOf(failure)}");
            }
        }
    }

    private async Task ReceiveAsync()
    {
        var rest = request.Clone();
        rest.Offset = _next;
        if (request.Length > 0) rest.Length = request.Length - Received;
        using var call = invocation.Client.Staging.ReadImage(rest, invocation.Call);
        while (_next != End && await call.ResponseStream.MoveNext(invocation.Interrupted))
        {
            var message = call.ResponseStream.Current;
            Check(message);
            await target.AppendAsync(message.Data.Memory, invocation.Interrupted);
            _next += (ulong)message.Data.Length;
            patience.Progress();
            Show(StageProgress.Types.State.Running);
        }

        // A stream that ends well but early would leave a short file that looks complete.
        if (_next != End) throw Damaged($"The bytes end at {_next}, before {End}.");
    }

    private void Check(ReadImageResponse message)
    {
        if (message.HasTotalSize)
        {
            _fileSize ??= message.TotalSize;
            if (_fileSize != message.TotalSize)
            {
                throw new CommandException(Failure.Refused(
                    StatusCode.Aborted, "IMAGE_CHANGED", "The image was replaced while it was read: read it again."));
            }
        }

        if (message.Offset != _next) throw Damaged($"Bytes from {_next} on were due, and came from {message.Offset} on.");
        if (Sidecar.Staging.Files.Crc32C.Append(Sidecar.Staging.Files.Crc32C.Empty, message.Data.Span) != message.Crc32C)
        {
            throw Damaged($"The chunk at {_next} was damaged on the way.");
        }
    }

    private static RpcException Damaged(string text) => new(new Status(StatusCode.DataLoss, text));

    private void Show(StageProgress.Types.State state) => display.Show(new StageProgress
    {
        Name = label, State = state, BytesDone = Received, BytesTotal = (End ?? _start) - _start,
    });
}
