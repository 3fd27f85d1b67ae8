namespace Sidecar.Hosting.Listening;

/// <summary>Which listener a request came through; each has its own trust.</summary>
internal enum ListenerRole
{
    /// <summary>glance-api in the same pod, and the CLI.</summary>
    Local,

    /// <summary>Other pods' sidecars.</summary>
    Peer,

    /// <summary>Prometheus, the kubelet, a person: read only.</summary>
    Ops,

    /// <summary>The kubelet's probes: the health service and nothing else.</summary>
    Health,

    /// <summary>Users of Glance, on their way to it: nothing of the sidecar's own.</summary>
    Ingest,
}

/// <summary>Marks a connection with the listener that it came through.</summary>
internal sealed record ListenerMark(ListenerRole Role);

/// <summary>Marks an endpoint with the listeners that it is reached through.</summary>
internal sealed record ReachedThrough(params ListenerRole[] Roles);
