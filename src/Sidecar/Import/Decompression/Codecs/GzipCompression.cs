using Microsoft.Win32.SafeHandles;
using Sidecar.Import.Decompression.Core;

namespace Sidecar.Import.Decompression.Codecs;

/// <summary>gzip (RFC 1952), with any number of members, as pigz and bgzip write them.</summary>
internal sealed class GzipCompression : Compression
{
    public override string Name => "gzip";

    public override ValueTask<DecompressionReader> OpenAsync(SafeFileHandle file, StartFilter start, Action keepOn) =>
        ValueTask.FromResult<DecompressionReader>(new GzipReader(file, Name));

    public override bool Matches(ReadOnlySpan<byte> head) => head.StartsWith(GzipReader.Magic);
}
