using Grpc.Wire;

namespace Grpc.Server;

/// <summary>
/// The moment at which a call's client gives up. Cancels <see cref="Token"/> then, or earlier when the client is gone.
/// </summary>
internal sealed class CallDeadline : IDisposable
{
    // The longest that a timer takes; a call that waits longer has no deadline in practice.
    private static readonly TimeSpan LongestTimer = TimeSpan.FromMilliseconds(uint.MaxValue - 1);

    private readonly CancellationTokenSource? _source;
    private readonly CancellationTokenRegistration _clientGone;
    private readonly ITimer? _timer;
    private int _passed;

    private CallDeadline(CancellationToken clientGone) => Token = clientGone;

    private CallDeadline(TimeSpan timeout, TimeProvider time, Action onPassed, CancellationToken clientGone)
    {
        _source = new CancellationTokenSource();
        Token = _source.Token;
        At = time.GetUtcNow().UtcDateTime + timeout;
        _clientGone = clientGone.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), _source);
        _timer = time.CreateTimer(_ => Pass(onPassed), null, timeout, Timeout.InfiniteTimeSpan);
    }

    public CancellationToken Token { get; }

    public DateTime At { get; } = DateTime.MaxValue;

    public bool HasPassed => Volatile.Read(ref _passed) == 1;

    /// <summary>
    /// Starts the clock that the <c>grpc-timeout</c> header asks for (none without a header); null when the header is
    /// malformed. <paramref name="onPassed"/> is called at most once, before the token is cancelled.
    /// </summary>
    public static CallDeadline? Start(
        string? header,
        TimeProvider time,
        Action onPassed,
        CancellationToken clientGone)
    {
        if (header is null)
            return new CallDeadline(clientGone);
        if (!GrpcTimeout.TryParse(header, out var timeout))
            return null;

        return timeout > LongestTimer
            ? new CallDeadline(clientGone)
            : new CallDeadline(timeout, time, onPassed, clientGone);
    }

    public void Dispose()
    {
        _timer?.Dispose();
        _clientGone.Dispose();
        _source?.Dispose();
    }

    private void Pass(Action onPassed)
    {
        if (Interlocked.Exchange(ref _passed, 1) == 1)
            return;

        onPassed();
        try
        {
            _source!.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The call ended while the timer fired.
        }
    }
}
