using Grpc.Core;
using Sidecar.Routing.Locating;

namespace Sidecar.Routing.Forwarding;

/// <summary>A stream that is forwarded, whatever happens to the connections that it goes over.</summary>
/// <param name="consequence">What the caller has to know when the owner is lost in mid-stream; one sentence.</param>
internal sealed class StreamedCall(string method, ResourceId subject, ServerCallContext caller, string consequence)
{
    private long? _brokenSince;

    public string Method => method;

    public ResourceId Subject => subject;

    public ServerCallContext Caller => caller;

    public string Consequence => consequence;

    /// <summary>A message has come: the owner runs it, and only the owner can say what became of it.</summary>
    public bool Attached { get; private set; }

    public bool IsBroken => _brokenSince is not null;

    /// <summary>A message came. True when that ends a break.</summary>
    public bool Reached()
    {
        Attached = true;
        if (_brokenSince is null) return false;
        _brokenSince = null;
        return true;
    }

    /// <summary>The connection broke, or is still broken.</summary>
    public void Broke(TimeProvider clock) => _brokenSince ??= clock.GetTimestamp();

    /// <summary>What is left of the time in which the owner must be reached again.</summary>
    public TimeSpan Left(TimeSpan limit, TimeProvider clock)
    {
        var left = _brokenSince is { } since ? limit - clock.GetElapsedTime(since) : limit;
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }
}
