namespace Sidecar.Hosting;

/// <summary>Which listener a request came through; each has its own trust.</summary>
internal enum ListenerRole
{
    /// <summary>glance-api in the same pod, and the CLI.</summary>
    Local,

    /// <summary>Prometheus, the kubelet, a person: read only.</summary>
    Ops,
}

/// <summary>Marks a connection, and an endpoint, with the listener it belongs to.</summary>
internal sealed record ListenerMark(ListenerRole Role);
