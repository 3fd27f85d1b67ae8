using System.Globalization;
using Microsoft.Extensions.Primitives;

namespace Sidecar.Ingest.Proxy;

/// <summary>
/// What a client that knows of resumable uploads says with one, in the terms of the IETF's draft (Resumable Uploads for HTTP). A plain
/// client says nothing, and its upload is not kept when it breaks off.
/// </summary>
/// <param name="IsKept">What arrived stays when the connection breaks, for the client to go on.</param>
/// <param name="Offset">The body goes on there; null: it is the whole image.</param>
internal readonly record struct ResumableUpload(bool IsKept, long? Offset)
{
    /// <summary>?1: with this body the image is complete. Whoever sends it may be cut off and go on.</summary>
    public const string CompleteHeader = "Upload-Complete";

    /// <summary>Where the body goes on; in answers, how much has arrived.</summary>
    public const string OffsetHeader = "Upload-Offset";

    /// <summary>False, with what is wrong, for headers that make no sense.</summary>
    public static bool TryRead(IHeaderDictionary headers, out ResumableUpload upload, out string fault)
    {
        upload = default;
        fault = "";
        var (complete, offset) = (headers[CompleteHeader], headers[OffsetHeader]);
        if (complete != StringValues.Empty && complete != "?1")
        {
            fault = $"{CompleteHeader} must be ?1: each upload is sent to its end, and only goes on when it was cut off.";
            return false;
        }

        if (offset == StringValues.Empty)
        {
            upload = new ResumableUpload(complete == "?1", null);
            return true;
        }

        if (offset.Count == 1 && long.TryParse(offset[0], NumberStyles.None, CultureInfo.InvariantCulture, out var at))
        {
            upload = new ResumableUpload(true, at);
            return true;
        }

        fault = $"{OffsetHeader} must be a number of bytes.";
        return false;
    }
}
