using Microsoft.Win32.SafeHandles;

namespace Sidecar.Import.Decompression;

/// <summary>gzip (RFC 1952), with any number of members, as pigz and bgzip write them.</summary>
internal sealed class GzipCompression : Compression
{
    public override string Name => "gzip";

    public override ValueTask<DecodedBytes> OpenAsync(SafeFileHandle file, StartFilter start) =>
        ValueTask.FromResult<DecodedBytes>(new GzipBytes(file, Name));

    protected override bool Matches(ReadOnlySpan<byte> head) => head.StartsWith(GzipBytes.Magic);
}
