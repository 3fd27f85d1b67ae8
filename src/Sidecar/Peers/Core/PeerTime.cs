using Google.Protobuf.WellKnownTypes;

namespace Sidecar.Peers.Core;

/// <summary>
/// Times that other processes tell. <c>Timestamp.ToDateTimeOffset</c> throws for what no timestamp may be, and what is
/// close to the ends of time makes later sums overflow.
/// </summary>
internal static class PeerTime
{
    /// <summary>No clock that is anywhere near right tells an earlier time than this.</summary>
    public static readonly DateTimeOffset Earliest = DateTimeOffset.UnixEpoch;

    /// <summary>Nor a later one; every setting's time can be added to it.</summary>
    public static readonly DateTimeOffset Latest = new(9000, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Whether a time is one that a clock may show.</summary>
    public static bool IsSane(Timestamp time) =>
        time.Seconds >= Earliest.ToUnixTimeSeconds() && time.Seconds < Latest.ToUnixTimeSeconds()
        && time.Nanos is >= 0 and < 1_000_000_000;

    /// <summary>What a peer answered, brought within <see cref="Earliest"/> and <see cref="Latest"/>.</summary>
    public static DateTimeOffset Read(Timestamp? time)
    {
        if (time is null) return Earliest;
        if (IsSane(time)) return time.ToDateTimeOffset();
        return time.Seconds < Latest.ToUnixTimeSeconds() ? Earliest : Latest;
    }
}
