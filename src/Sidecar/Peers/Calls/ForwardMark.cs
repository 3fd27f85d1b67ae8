using Glance.Sidecar.V1;
using Grpc.Core;
using Sidecar.Peers.Core;

namespace Sidecar.Peers.Calls;

/// <summary>
/// The hop guard: a request that a peer makes on behalf of its caller says so in the message and in metadata, and is
/// never forwarded again.
/// </summary>
internal sealed class ForwardMark(PodIdentity self)
{
    /// <summary>In the metadata of a forwarded request: name of the pod that forwards.</summary>
    public const string Header = "glance-sidecar-forwarded-by";

    /// <summary>In the metadata of a forwarded request: name of the pod that it is for.</summary>
    public const string AddresseeHeader = "glance-sidecar-for";

    /// <summary>Passed on as they are: W3C trace context and the request ids that OpenStack and others use.</summary>
    private static readonly string[] PassedOn =
        ["traceparent", "tracestate", "baggage", "x-openstack-request-id", "x-request-id"];

    // The records are looked up again by then.
    private const int RetrySeconds = 5;

    /// <summary>For the message.</summary>
    public Forwarded Message() => new() { By = self.Name, Instance = self.Instance };

    /// <summary>For a request that this pod makes by itself.</summary>
    public Metadata Metadata() => new() { { Header, self.Name } };

    /// <summary>For a request on behalf of a caller, whose trace context and request ids pass through.</summary>
    public Metadata Metadata(ServerCallContext caller)
    {
        var metadata = Metadata();
        foreach (var name in PassedOn)
        {
            if (caller.RequestHeaders.GetValue(name) is { Length: > 0 } value) metadata.Add(name, value);
        }

        return metadata;
    }

    /// <summary>
    /// Whether a request was forwarded, by any of the three signs: the message, the metadata, the listener.
    /// </summary>
    /// <exception cref="PeerException">
    /// <see cref="PeerError.ForwardLoop"/>: by this very process. <see cref="PeerError.OwnerUnreachable"/>: it is for
    /// another pod, whose address this one has now.
    /// </exception>
    public bool IsOn(Forwarded? message, ServerCallContext call)
    {
        if (message?.Instance == self.Instance)
        {
            throw new PeerException(
                PeerError.ForwardLoop,
                $"Pod {self.Name} forwarded the request to itself: an address of its own is among its peers.");
        }

        RefuseOthers(call.RequestHeaders.GetValue(AddresseeHeader));
        return message is not null || call.RequestHeaders.GetValue(Header) is not null
            || IsFromPeer(call);
    }

    /// <summary>Whether a call came through the peer listener.</summary>
    public static bool IsFromPeer(ServerCallContext call) =>
        call.GetHttpContext().Features.Get<PeerCaller>() is not null;

    /// <summary>For a call that is for callers in the pod itself.</summary>
    /// <exception cref="PeerException"><see cref="PeerError.NotForPeers"/>: a peer makes it, or one on its behalf.</exception>
    public void RefusePeers(ServerCallContext call)
    {
        if (!IsOn(null, call)) return;
        throw new PeerException(
            PeerError.NotForPeers, $"{call.Method} is for callers in the pod {self.Name} itself: ask its sidecar there.");
    }

    private void RefuseOthers(string? addressee)
    {
        if (addressee is null || addressee == self.Name) return;
        throw new PeerException(
            PeerError.OwnerUnreachable,
            $"Pod {self.Name} has the address at which another one was looked for.",
            ("owner", PeerText.OneLine(addressee)), ("retry_after_seconds", RetrySeconds));
    }
}
