using Google.Protobuf.WellKnownTypes;
using Sidecar.Peers.Core;
using Sidecar.Staging.Core;

namespace Sidecar.Rpc.Messages;

/// <summary>Times of requests, checked where they come in.</summary>
internal static class RequestTime
{
    /// <summary>
    /// When something was done, by the clock here. Nothing was done in the future: what a clock that is ahead says of it was
    /// done by now. Else a deletion would take what is staged until then, and a commit would outlive its deletion.
    /// </summary>
    public static DateTimeOffset Past(DateTimeOffset time, TimeProvider clock)
    {
        var now = clock.GetUtcNow();
        return time > now ? now : time;
    }

    /// <summary>Null when the field is not set.</summary>
    /// <exception cref="StagingException">InvalidRequest: no clock shows such a time.</exception>
    public static DateTimeOffset? Read(Timestamp? time, string field)
    {
        if (time is null) return null;
        return PeerTime.IsSane(time)
            ? time.ToDateTimeOffset()
            : throw new StagingException(
                StagingError.InvalidRequest,
                $"{field} is {time.Seconds} s and {time.Nanos} ns since 1970; allowed: {PeerTime.Earliest:yyyy-MM-dd} to before "
                + $"{PeerTime.Latest:yyyy-MM-dd}, with 0 to 999999999 ns. Leave it out if it is not known.");
    }
}
