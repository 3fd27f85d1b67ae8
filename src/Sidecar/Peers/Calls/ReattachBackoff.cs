namespace Sidecar.Peers.Calls;

/// <summary>
/// Paces the attempts to reach one peer again: waits a little longer each time, starts over after progress, and gives
/// up when nothing was achieved for <paramref name="limit"/>.
/// </summary>
internal sealed class ReattachBackoff(TimeSpan limit, TimeProvider clock)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1); // a restart takes about that long

    private TimeSpan _pause = FirstPause;
    private long? _trouble;

    public void Progress() => (_trouble, _pause) = (null, FirstPause);

    /// <summary>Waits before the next attempt; false when there is to be none.</summary>
    public async Task<bool> WaitAsync(CancellationToken cancellationToken)
    {
        _trouble ??= clock.GetTimestamp();
        if (clock.GetElapsedTime(_trouble.Value) + _pause > limit) return false;
        await Task.Delay(_pause, clock, cancellationToken);
        _pause = TimeSpan.FromTicks(Math.Min(_pause.Ticks * 2, LongestPause.Ticks));
        return true;
    }
}
