namespace Sidecar.FunctionalTests.Interop;

/// <summary>A way to the daemon's API.</summary>
internal enum Way
{
    Socket,
    Tcp,

    /// <summary>TLS with a certificate of one's own; the only TLS that there is.</summary>
    PeerTls,
}
