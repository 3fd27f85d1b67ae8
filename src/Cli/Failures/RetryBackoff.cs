using Grpc.Core;

namespace Stagectl.Failures;

/// <summary>
/// Paces the attempts of one transfer: waits longer each time, starts over after progress, and gives up once nothing
/// was achieved for a while. A sidecar that never answered is not waited for unless the user asked for it.
/// </summary>
internal sealed class RetryBackoff(TimeSpan limit, bool waitsForFirstContact)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    private readonly TimeProvider _clock = TimeProvider.System;
    private TimeSpan _pause = FirstPause;
    private long? _trouble;
    private bool _contact = waitsForFirstContact;

    /// <summary>The sidecar can be reached, though nothing is achieved yet.</summary>
    public void Contact() => _contact = true;

    public void Progress()
    {
        _contact = true;
        _trouble = null;
        _pause = FirstPause;
    }

    /// <summary>Waits before the next attempt; false when there is to be none.</summary>
    public Task<bool> WaitAsync(RpcException failure, CancellationToken cancellationToken) =>
        WaitAsync(failure.StatusCode == StatusCode.Unavailable, TimeSpan.Zero, cancellationToken);

    /// <inheritdoc cref="WaitAsync(RpcException,CancellationToken)"/>
    /// <param name="neverAnswered">Nobody is there, or nobody answered.</param>
    /// <param name="atLeast">How long the server wants to be left alone.</param>
    public async Task<bool> WaitAsync(bool neverAnswered, TimeSpan atLeast, CancellationToken cancellationToken)
    {
        if (!_contact && neverAnswered) return false;
        _trouble ??= _clock.GetTimestamp();
        var pause = atLeast > _pause ? atLeast : _pause;
        if (_clock.GetElapsedTime(_trouble.Value) + pause > limit) return false;
        // Others may have lost the same sidecar at the same moment: they should not all be back at once.
        var jitter = 0.5 + Random.Shared.NextDouble() / 2;
        await Task.Delay(atLeast > _pause * jitter ? atLeast : _pause * jitter, _clock, cancellationToken);
        _pause = TimeSpan.FromTicks(Math.Min(_pause.Ticks * 2, LongestPause.Ticks));
        return true;
    }
}
