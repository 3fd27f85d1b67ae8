using System.Threading.Channels;

namespace Sidecar.Staging.Hashing;

/// <summary>
/// Wakes one follower of a growing upload. Signals that come while it works are coalesced, and none allocates.
/// </summary>
internal sealed class ProgressSignal
{
    private readonly Channel<bool> _channel = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    public void Set() => _channel.Writer.TryWrite(true);

    /// <summary>No more will come; a waiting follower is woken.</summary>
    public void Complete() => _channel.Writer.TryComplete();

    /// <returns>False when the signal is complete.</returns>
    public async ValueTask<bool> WaitAsync()
    {
        if (!await _channel.Reader.WaitToReadAsync()) return false;
        _channel.Reader.TryRead(out _);
        return true;
    }
}
