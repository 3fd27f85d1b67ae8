using Microsoft.Win32.SafeHandles;
using Sidecar.Import.Core;
using Sidecar.Import.Decompression.Core;

namespace Sidecar.Import.Decompression.Codecs;

/// <summary>What is not unpacked here, known so that it does not become a disk as it is.</summary>
/// <param name="name">For messages and facts.</param>
/// <param name="magics">The beginnings of such a file.</param>
internal sealed class UnsupportedCompression(string name, params string[] magics) : Compression
{
    private readonly BytePattern[] _magics = [.. magics.Select(magic => new BytePattern(magic))];

    public override string Name => name;

    public override ValueTask<DecompressionReader> OpenAsync(SafeFileHandle file, StartFilter start, Action keepOn) =>
        throw Refusal(name, name);

    public static ImportException Refusal(string what, string name) => new(
        ImportError.CompressionUnsupported,
        $"The image is packed by {what}, which is not unpacked here: compress it once, by gzip, xz, zstd, bzip2, lz4, lha or zip.",
        ("compression", name));

    public override bool Matches(ReadOnlySpan<byte> head)
    {
        foreach (var magic in _magics)
        {
            if (magic.Matches(head)) return true;
        }

        return false;
    }
}
