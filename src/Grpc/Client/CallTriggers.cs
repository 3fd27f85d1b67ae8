using Grpc.Core;

namespace Grpc.Client;

/// <summary>What can end a call from this side: its deadline, its caller's token, its channel's end.</summary>
internal sealed class CallTriggers(ChannelTransport transport, CallOptions options, Action<CallOutcome> end)
{
    // The longest that a timer takes; a deadline further away does not need one.
    private static readonly TimeSpan LongestTimer = TimeSpan.FromMilliseconds(uint.MaxValue - 1);

    private readonly Lock _lock = new();
    private CancellationTokenRegistration _caller;
    private CancellationTokenRegistration _channel;
    private ITimer? _timer;
    private bool _disarmed;

    /// <summary>Until the deadline; null without one.</summary>
    public TimeSpan? TimeLeft => options.Deadline is { } deadline && deadline != DateTime.MaxValue
        ? deadline.ToUniversalTime() - transport.Time.GetUtcNow().UtcDateTime
        : null;

    public void Arm()
    {
        // Each of these may fire at once, which disarms: registrations made after that are taken back below.
        _caller = options.CancellationToken.UnsafeRegister(
            _ => end(CallOutcome.Local(StatusCode.Cancelled, "The call was cancelled by its caller.")), null);
        _channel = transport.Closing.UnsafeRegister(
            _ => end(CallOutcome.Local(StatusCode.Cancelled, "The channel was disposed.")), null);
        if (TimeLeft is { } left && left <= LongestTimer)
            ArmTimer(left);

        lock (_lock)
        {
            if (_disarmed)
                Release();
        }
    }

    /// <summary>Does not wait for a trigger that is firing, because it may be the caller.</summary>
    public void Disarm()
    {
        lock (_lock)
        {
            _disarmed = true;
            Release();
        }
    }

    private void ArmTimer(TimeSpan left)
    {
        if (left <= TimeSpan.Zero)
            Pass();
        else
            _timer = transport.Time.CreateTimer(_ => Pass(), null, left, Timeout.InfiniteTimeSpan);
    }

    private void Pass() => end(CallOutcome.Local(StatusCode.DeadlineExceeded, "The deadline has passed."));

    private void Release()
    {
        _caller.Unregister();
        _channel.Unregister();
        _timer?.Dispose();
    }
}
