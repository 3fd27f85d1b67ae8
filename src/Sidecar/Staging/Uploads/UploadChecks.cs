using System.Buffers;
using Sidecar.Staging.Core;
using Sidecar.Staging.Files;

namespace Sidecar.Staging.Uploads;

/// <summary>What must hold for bytes to be written, and for an upload to be committed. Each refusal says the rest.</summary>
internal static class UploadChecks
{
    public static void Offset(long? offset, long received)
    {
        if (offset is null || offset == received) return;
        throw new StagingException(
            StagingError.OffsetMismatch,
            $"The chunk is for offset {offset}, and the upload is at {received}: send the bytes from {received} on.",
            ("offset", received));
    }

    public static void Length(UploadHeader header, long after, StagingOptions options)
    {
        var limit = header.DeclaredSize ?? options.MaxImageBytes;
        if (after <= limit) return;
        throw new StagingException(
            StagingError.LengthMismatch,
            header.DeclaredSize is null
                ? $"The image is larger than Staging:MaxImageBytes, {limit} bytes."
                : $"{limit} bytes were declared and at least {after} sent. Abort the upload and declare the true size.",
            ("declared", limit),
            ("received", after));
    }

    public static void Chunk(ReadOnlySequence<byte> data, uint? expected, long offset)
    {
        if (expected is null) return;
        var actual = Crc32C.Append(Crc32C.Empty, data);
        if (actual == expected) return;
        throw new StagingException(
            StagingError.ChunkCorrupt,
            $"The chunk at offset {offset} has crc32c {Crc32C.ToHex(actual)}, not {Crc32C.ToHex(expected.Value)} as "
            + "sent: it was damaged on the way and not written. Resume the upload there.",
            ("offset", offset),
            ("expected", Crc32C.ToHex(expected.Value)),
            ("actual", Crc32C.ToHex(actual)));
    }

    public static void Complete(UploadHeader header, CommitRequest request, long received)
    {
        var wrong = header.DeclaredSize is { } declared && declared != received ? declared : request.TotalSize;
        if (wrong == received) return;
        throw new StagingException(
            StagingError.LengthMismatch,
            $"The image was to have {wrong} bytes and {received} were received; nothing was committed. Resume the "
            + "upload, or abort it.",
            ("declared", wrong),
            ("received", received));
    }

    /// <param name="actual">Holds every digest that the header or the request expects.</param>
    public static void Digests(
        UploadHeader header, CommitRequest request, IReadOnlyDictionary<string, string> actual)
    {
        foreach (var (name, expected) in header.ExpectedDigests.Concat(request.ExpectedDigests))
        {
            if (actual[name] == expected) continue;
            throw new StagingException(
                StagingError.DigestMismatch,
                $"The {name} digest of image {header.ImageId} is {actual[name]}, not {expected} as expected; nothing "
                + "was committed. Abort the upload and stage the right bytes, or finish with the right digest.",
                ("algorithm", name),
                ("expected", expected),
                ("actual", actual[name]));
        }
    }
}
