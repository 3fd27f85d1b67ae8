namespace Sidecar.Ingest.Tls;

/// <summary>The certificate files cannot be used; the message names the settings and what is allowed.</summary>
internal sealed class IngestCertificateException(string message, Exception inner) : Exception(message, inner);
