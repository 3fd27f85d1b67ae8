using Microsoft.Win32.SafeHandles;
using Sidecar.Import.Decompression.Core;

namespace Sidecar.Import.Decompression.Codecs;

/// <summary>
/// lha, which Glance unpacks where a library is installed that it does not require. Known here so that such an archive
/// does not become an image as it is.
/// </summary>
internal sealed class LhaCompression : Compression
{
    // "-lh5-" and its like, behind the header's length and checksum.
    private const int MethodOffset = 2;
    private const int MethodBytes = 5;

    public override string Name => "lha";

    public override ValueTask<DecompressionReader> OpenAsync(SafeFileHandle file, StartFilter start, Action keepOn) =>
        throw UnsupportedCompression.Refusal(Name, Name);

    public override bool Matches(ReadOnlySpan<byte> head) => head.Length >= MethodOffset + MethodBytes
        && head[MethodOffset..].StartsWith("-lh"u8) && head[MethodOffset + MethodBytes - 1] == (byte)'-';
}
