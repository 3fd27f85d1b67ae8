namespace Sidecar.Hosting.Listening;

/// <summary>Log lines of the process itself. Event ids 5000-5999, never reused.</summary>
internal static partial class HostingLog
{
    [LoggerMessage(5000, LogLevel.Information, "glance-staging-sidecar {Version} listens on {Addresses}")]
    public static partial void Listening(ILogger logger, string version, string addresses);

    [LoggerMessage(5001, LogLevel.Information, "Stopping: {Uploads} running uploads keep their offset")]
    public static partial void Draining(ILogger logger, int uploads);

    [LoggerMessage(5003, LogLevel.Information, "A client sent {Authority} as its :authority, which is no host. It is answered as "
        + "one that sends localhost, but other servers would refuse it: see " + AuthorityEncoding.DocumentedIn
        + ". Others like it are answered, and not logged")]
    public static partial void AuthorityIsNoHost(ILogger logger, string authority);

    [LoggerMessage(5006, LogLevel.Warning, "Stopping without {Imports} imports that did not end within Hosting:DrainTimeout; "
        + "a process of theirs may be waiting for the disk")]
    public static partial void ImportsLeft(ILogger logger, int imports);

    [LoggerMessage(5005, LogLevel.Warning, "The {Listener} listener has all of its {Most} connections; one is closed for each that comes")]
    public static partial void ListenerFull(ILogger logger, ListenerRole listener, int most);
}
