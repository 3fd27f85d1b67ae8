namespace Sidecar.Downloads.Core;

/// <summary>Why an image was not downloaded. One place turns these into gRPC statuses: Rpc/StatusMap.</summary>
internal enum DownloadError
{
    /// <summary>Not a URL that can be fetched.</summary>
    UrlInvalid,

    /// <summary>The URL, or one that it is redirected to, or the address of its host, is not allowed. Fact: host.</summary>
    UrlForbidden,

    /// <summary>The server's name has no address, or nobody answers there. Fact: host.</summary>
    SourceUnreachable,

    /// <summary>The server's certificate is not to be trusted. Fact: host.</summary>
    SourceUntrusted,

    /// <summary>The server answered with another status than that of a file. Facts: host, status.</summary>
    SourceRefused,

    /// <summary>The server ended its answer early, or went silent, and so did every attempt to go on. Fact: host.</summary>
    SourceBroke,

    /// <summary>The server had another file each time that the download was to go on. Fact: host.</summary>
    SourceChanged,

    /// <summary>The file is larger than an image may be. Facts: host, limit.</summary>
    SourceTooLarge,
}
