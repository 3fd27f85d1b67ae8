using Microsoft.Win32.SafeHandles;

namespace Sidecar.Import.Decompression;

/// <summary>gzip (RFC 1952), with any number of members, as pigz and bgzip write them.</summary>
internal sealed class GzipCompression : Compression
{
    public override string Name => "gzip";

    public override ValueTask<DecompressionReader> OpenAsync(SafeFileHandle file, StartFilter start, Action keepOn) =>
        ValueTask.FromResult<DecompressionReader>(new GzipReader(file, Name));

    protected override bool Matches(ReadOnlySpan<byte> head) => head.StartsWith(GzipReader.Magic);
}
