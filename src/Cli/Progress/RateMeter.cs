namespace Stagectl.Progress;

/// <summary>Bytes per second of late: steady enough to read, and quick to show that a transfer stalls.</summary>
internal sealed class RateMeter
{
    private const double Smoothing = 0.2; // weight of the newest sample

    private static readonly TimeSpan SampleTime = TimeSpan.FromMilliseconds(200);

    private readonly TimeProvider _clock = TimeProvider.System;
    private long _sampledAt;
    private long? _sampledBytes;

    public double BytesPerSecond { get; private set; }

    public void Advance(long bytes)
    {
        // The first position is where a transfer begins, which may be in the middle: nothing was sent for it. One that
        // was set back starts over.
        if (_sampledBytes is not { } before || bytes < before)
        {
            (_sampledBytes, _sampledAt) = (bytes, _clock.GetTimestamp());
            return;
        }

        var elapsed = _clock.GetElapsedTime(_sampledAt);
        if (elapsed < SampleTime) return;
        var rate = (bytes - before) / elapsed.TotalSeconds;
        BytesPerSecond = BytesPerSecond == 0 ? rate : BytesPerSecond + (Smoothing * (rate - BytesPerSecond));
        (_sampledBytes, _sampledAt) = (bytes, _clock.GetTimestamp());
    }
}
