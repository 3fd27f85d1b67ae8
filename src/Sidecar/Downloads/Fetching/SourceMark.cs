using System.Security.Cryptography;
using System.Text;
using Sidecar.Downloads.Core;
using Sidecar.Downloads.Servers;
using Sidecar.Staging.Core;

namespace Sidecar.Downloads.Fetching;

/// <summary>
/// How an upload that an earlier process has begun is known to be of the same version of the same file: by the URL's hash, as what
/// is in a URL may be a secret and this is on disk, and by the file's validator.
/// </summary>
internal static class SourceMark
{
    /// <summary>For the upload's header; null when nobody could go on with it.</summary>
    public static string? Of(DownloadRequest request, RemoteFile file) =>
        file.HasRanges && file.Length is not null ? $"{Hash(request)} {file.Validator}" : null;

    /// <summary>The version that the upload is of; null: it is none of this file.</summary>
    public static string? Validator(DownloadRequest request, UploadSnapshot upload) =>
        upload.Header.Source is { } source && source.StartsWith(Hash(request) + " ", StringComparison.Ordinal)
            ? source[(source.IndexOf(' ', StringComparison.Ordinal) + 1)..] : null;

    private static string Hash(DownloadRequest request) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(request.Url.AbsoluteUri)));
}
