using Glance.Sidecar.V1;
using Grpc.Core;
using Sidecar.Staging.Core;

namespace Sidecar.Rpc.Images;

/// <summary>
/// The responses of a ReadImage call. A client that takes nothing of one for Staging:IdleTimeout has its call ended: its chunks stay
/// in memory, and its place is kept from others, for as long.
/// </summary>
internal sealed class WatchedResponses : IServerStreamWriter<ReadImageResponse>, IDisposable
{
    private readonly IServerStreamWriter<ReadImageResponse> _responses;
    private readonly TimeSpan _timeout;
    private readonly CancellationTokenSource _idle;
    private readonly CancellationTokenRegistration _abort;

    public WatchedResponses(IServerStreamWriter<ReadImageResponse> responses, ServerCallContext caller, StagingContext staging)
    {
        (_responses, _timeout) = (responses, staging.Options.IdleTimeout);
        _idle = new CancellationTokenSource(_timeout, staging.Clock);
        _idle.CancelAfter(Timeout.InfiniteTimeSpan); // reading the file, or asking another pod, is ours
        // A status would wait behind what is not taken; what arrives is that the stream is reset.
        _abort = _idle.Token.Register(caller.GetHttpContext().Abort);
    }

    public WriteOptions? WriteOptions
    {
        get => _responses.WriteOptions;
        set => _responses.WriteOptions = value;
    }

    public Task WriteAsync(ReadImageResponse message) => WriteAsync(message, CancellationToken.None);

    public async Task WriteAsync(ReadImageResponse message, CancellationToken cancellationToken)
    {
        _idle.CancelAfter(_timeout);
        try
        {
            await _responses.WriteAsync(message, cancellationToken);
        }
        catch (Exception) when (_idle.IsCancellationRequested)
        {
            throw new StagingException(
                StagingError.IdleTimeout,
                $"Nothing was taken of the bytes at {message.Offset} for {_timeout} (Staging:IdleTimeout). Read on from there.",
                ("offset", message.Offset));
        }
        finally
        {
            _idle.CancelAfter(Timeout.InfiniteTimeSpan);
        }
    }

    public void Dispose()
    {
        // Waits for an abort that has begun as the last chunk was taken: Kestrel gives the context to another call afterwards.
        _abort.Dispose();
        _idle.Dispose();
    }
}
