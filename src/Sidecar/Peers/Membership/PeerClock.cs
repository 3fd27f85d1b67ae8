namespace Sidecar.Peers.Membership;

/// <summary>
/// How far a peer's clock is ahead of this pod's, give or take the error: half the time that asking for it took.
/// <para>
/// Pods compare moments that each took from its own clock: of commits, to find the newest copy, and of deletions. With clocks
/// that are apart the wrong image would go. So a moment that a peer tells is put on this pod's clock first; and where the error
/// leaves open which of the two came first, nothing is removed. A version that all pods count together would need no clocks, but
/// it would have to travel with the callers, who delete on one pod and stage on another.
/// </para>
/// <para>
/// Clocks that agree within the error are compared as they are: a margin there would keep an image that is deleted just after its
/// commit. What this cannot mend is a clock that was set between the moment and now.
/// </para>
/// </summary>
internal sealed record PeerClock(TimeSpan Ahead, TimeSpan Error)
{
    /// <summary>Far more than NTP leaves, and less than it takes to delete an image and stage it again.</summary>
    public static readonly TimeSpan Tolerated = TimeSpan.FromSeconds(1);

    // Long enough that one quick answer among slow ones counts, short enough that a drift shows.
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(1);

    /// <summary>Nobody has asked, or the peer does not tell its time.</summary>
    public static PeerClock Unknown { get; } = new(TimeSpan.Zero, TimeSpan.MaxValue);

    /// <summary>When it was measured, as a timestamp of the <see cref="TimeProvider"/>.</summary>
    public long MeasuredAt { get; init; }

    public bool IsKnown => Error != TimeSpan.MaxValue;

    /// <summary>The clocks are surely not the same.</summary>
    public bool IsApart => Ahead.Duration() > Error;

    /// <summary>They are so far apart that somebody should mend it.</summary>
    public bool IsWrong => IsKnown && Ahead.Duration() - Error > Tolerated;

    /// <param name="askedAt">This pod's time when it asked.</param>
    /// <param name="took">Until the answer came.</param>
    /// <param name="told">The peer's time, from some moment in between.</param>
    public static PeerClock Measure(DateTimeOffset askedAt, TimeSpan took, DateTimeOffset told) =>
        new(told - (askedAt + took / 2), took / 2);

    /// <summary>Of this and a newer measurement the better one: the more exact, unless this is old or the two cannot be both.</summary>
    /// <param name="between">The time between the two.</param>
    public PeerClock Or(PeerClock newer, TimeSpan between)
    {
        var agree = IsKnown && (Ahead - newer.Ahead).Duration() <= Error + newer.Error;
        return agree && Error < newer.Error && between < Lifetime ? this : newer;
    }

    /// <summary>A moment of the peer's clock, on this pod's.</summary>
    public DateTimeOffset Here(DateTimeOffset told) => IsApart ? Subtract(told, Ahead) : told;

    /// <summary>The earliest that it may have been: what is later here is surely later.</summary>
    public DateTimeOffset Earliest(DateTimeOffset told) => IsApart ? Subtract(told, Ahead + Error) : told;

    /// <summary>The latest that it may have been: what is earlier here is surely earlier.</summary>
    public DateTimeOffset Latest(DateTimeOffset told) => IsApart ? Subtract(told, Ahead - Error) : told;

    // Whatever a peer tells: at the ends of the calendar time stands still.
    private static DateTimeOffset Subtract(DateTimeOffset moment, TimeSpan time)
    {
        if (time > TimeSpan.Zero) return moment - DateTimeOffset.MinValue < time ? DateTimeOffset.MinValue : moment - time;
        return DateTimeOffset.MaxValue - moment < -time ? DateTimeOffset.MaxValue : moment - time;
    }
}
