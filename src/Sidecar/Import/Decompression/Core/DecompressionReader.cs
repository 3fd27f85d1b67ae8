using Microsoft.Win32.SafeHandles;
using Sidecar.Import.Core;

namespace Sidecar.Import.Decompression.Core;

/// <summary>
/// Content of a compressed file, read from the beginning to the end. The end is only reported once lengths and
/// checksums were found right.
/// </summary>
internal abstract class DecompressionReader(SafeFileHandle file, string compression) : IDisposable
{
    private const string PackAlone = "Pack the image as the only member of a plain archive";

    /// <summary>Bytes of the compressed file that were used up so far.</summary>
    public abstract long Consumed { get; }

    /// <summary>Length of the content where the file tells it; a claim of the sender's.</summary>
    public virtual long? DeclaredLength => null;

    /// <summary>Bytes that were unpacked and are none of the content.</summary>
    public virtual long SkippedBytes => 0;

    /// <summary>Bytes of others behind the compressed data, such as a signature; known at the end.</summary>
    public virtual long LeftOutBytes { get; init; }

    /// <summary>
    /// Called now and then while there is nothing to answer, and may throw: what is empty, or padding, may be long too.
    /// </summary>
    public Action Continue { get; set; } = () => { };

    protected SafeFileHandle File { get; } = file;

    protected long FileLength { get; } = RandomAccess.GetLength(file);

    /// <summary>Answers 0 at the end only.</summary>
    /// <exception cref="ImportException"><see cref="ImportError.CompressedDataCorrupt"/>.</exception>
    public int Read(Span<byte> buffer)
    {
        try
        {
            return Decode(buffer);
        }
        catch (InvalidDataException)
        {
            throw Corrupt("the compressed data is damaged");
        }
    }

    public abstract void Dispose();

    protected abstract int Decode(Span<byte> buffer);

    protected ImportException Corrupt(string what) => Corrupt(compression, what);

    public static ImportException Corrupt(string compression, string what) => new(
        ImportError.CompressedDataCorrupt,
        $"The image is packed by {compression}, and {what}: upload it again.",
        ("compression", compression));

    /// <param name="advice">What to do instead of uploading it uncompressed.</param>
    protected ImportException Unsupported(string what, string advice = PackAlone) => Unsupported(compression, what, advice);

    public static ImportException Unsupported(string compression, string what, string advice = PackAlone) => new(
        ImportError.CompressionUnsupported,
        $"The image is packed by {compression}, and {what}. {advice}, or upload it uncompressed.",
        ("compression", compression));
}
