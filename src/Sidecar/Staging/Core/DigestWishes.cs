using System.Text.Json.Serialization;
using Microsoft.Win32.SafeHandles;

namespace Sidecar.Staging.Core;

/// <summary>Digests that an import is going to want of an upload.</summary>
/// <param name="OfUpload">Of the bytes as they are.</param>
/// <param name="OfOutput">Of the import's output, in case it is going to be these bytes.</param>
/// <param name="DiskFormat">What it is said to be, where nothing is claimed that it is held to.</param>
internal sealed record DigestWishes(
    IReadOnlyList<string> OfUpload, IReadOnlyList<string> OfOutput, string DiskFormat = "", string ContainerFormat = "")
{
    /// <summary>
    /// A digest that was only wished for is not waited for when it is so far behind at the end: seconds of computing. Holes
    /// arrive faster than any digest takes them in.
    /// </summary>
    public const long MostBytesBehind = 1L << 30;

    private const int MostFormatChars = 255;

    /// <summary>Whether all of them can be computed; one that was read from a file may be anything.</summary>
    [JsonIgnore]
    public bool AreKnown => OfUpload.All(name => name is not null && DigestAlgorithms.IsKnownOfUpload(name))
        && OfOutput.All(name => name is not null && DigestAlgorithms.IsKnown(name));

    /// <exception cref="StagingException"><see cref="StagingError.InvalidRequest"/>.</exception>
    public void Check()
    {
        // Any format that an operator has may be named; it is kept with the upload.
        if (DiskFormat.Length > MostFormatChars || ContainerFormat.Length > MostFormatChars)
        {
            throw new StagingException(
                StagingError.InvalidRequest, $"digests names a format of more than {MostFormatChars} characters.", ("field", "digests"));
        }

        if (AreKnown) return;
        throw new StagingException(
            StagingError.InvalidRequest,
            $"digests names one that is not known: use {DigestAlgorithms.Names}; of the upload sha224 and sha384, too.",
            ("field", "digests"));
    }
}

/// <summary>
/// Which of the wishes are worth to be computed of an upload. The staging area knows neither formats nor what imports do.
/// </summary>
/// <param name="wishes">Null: whoever sends the image has said nothing.</param>
/// <param name="file">Open for reading.</param>
/// <param name="available">Bytes that are there: enough to tell what it is, or all.</param>
/// <exception cref="IOException">The file cannot be read.</exception>
internal delegate IReadOnlyCollection<string> ForeseeDigests(
    ImageClaim claim, DigestWishes? wishes, SafeFileHandle file, long available);
