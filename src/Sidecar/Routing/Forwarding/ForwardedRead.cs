using Glance.Sidecar.V1;
using Grpc.Core;
using Sidecar.Peers.Calls;
using Sidecar.Peers.Core;
using Sidecar.Routing.Locating;
using Sidecar.Staging.Core;
using Peer = Sidecar.Peers.Membership.Peer;

namespace Sidecar.Routing.Forwarding;

/// <summary>
/// One ReadImage whose bytes come from the owner. Chunks pass through as they are, one at a time, so that the caller's
/// pace is the owner's. After a break it goes on where it stood, if the bytes are still the same ones.
/// </summary>
internal sealed class ForwardedRead(
    ReadImageRequest request, IServerStreamWriter<ReadImageResponse> responses, ServerCallContext caller, ResourceId subject,
    DateTimeOffset begun, StreamForwarder streams, ForwardMark mark,
    StagingMetrics metrics) : IServerStreamWriter<ReadImageResponse>
{
    private ulong _reached = request.Offset;
    private ulong? _total;

    private readonly StreamedCall _stream = new(
        "ReadImage", subject, caller, "Read on from the offset that was reached when it is back.");

    public WriteOptions? WriteOptions { get; set; }

    /// <summary>What is still to be read, wherever it is read from.</summary>
    public ReadImageRequest Rest()
    {
        var rest = request.Clone();
        rest.Offset = _reached;
        if (request.Length > 0) rest.Length = request.Offset + request.Length - _reached;
        return rest;
    }

    public async Task<bool> RunAsync(Peer owner)
    {
        await streams.CopyAsync(
            _stream, owner, OpenAsync, PassOnAsync,
            () => _total is { } total && _reached == End(total));
        return true;
    }

    public Task WriteAsync(ReadImageResponse message) => WriteAsync(message, caller.CancellationToken);

    public Task WriteAsync(ReadImageResponse message, CancellationToken cancellationToken)
    {
        // Only the first message of the whole read says it.
        if (_total is not null) message.ClearTotalSize();
        else _total = message.TotalSize;
        _reached = message.Offset + (ulong)message.Data.Length;
        return responses.WriteAsync(message, cancellationToken);
    }

    private Task PassOnAsync(ReadImageResponse message)
    {
        metrics.Read("peer", message.Data.Length);
        return WriteAsync(message, caller.CancellationToken);
    }

    private ulong End(ulong total) =>
        request.Length == 0 ? total : request.Offset + Math.Min(request.Length, total - request.Offset);

    private async Task<AsyncServerStreamingCall<ReadImageResponse>> OpenAsync(Peer owner, CallOptions options)
    {
        if (_total is not null) await CheckUnchangedAsync(owner, options);
        var rest = Rest();
        rest.Forwarded = mark.Message();
        return owner.Staging.ReadImage(rest, options);
    }

    // An image may be deleted and staged again under its id, and an import released and run again.
    private async Task CheckUnchangedAsync(Peer owner, CallOptions options)
    {
        var since = request.ImportId.Length > 0
            ? (await owner.Imports.GetImportAsync(
                new GetImportRequest { ImportId = request.ImportId, Forwarded = mark.Message() }, options)).FinishedAt
            : (await owner.Staging.GetImageAsync(
                new GetImageRequest { ImageId = request.ImageId, Forwarded = mark.Message() }, options)).CommittedAt;
        if (since is not null && owner.State.Clock.Latest(PeerTime.Read(since)) <= begun) return;
        throw new PeerException(
            PeerError.OwnerLost,
            $"The connection to pod {owner.Name} broke, and what it has of {subject} now came after this read began. "
            + "Read it again from the start.",
            ("owner", owner.Name), ("retry_after_seconds", Forwarder.RetryAfterSeconds));
    }
}
