using Microsoft.Win32.SafeHandles;
using Sidecar.Import.Decompression.Core;

namespace Sidecar.Import.Decompression.Archives;

/// <summary>zip with exactly one member, stored or deflated. The member's name is never used.</summary>
internal sealed class ZipCompression : Compression
{
    public override string Name => "zip";

    public override ValueTask<DecompressionReader> OpenAsync(SafeFileHandle file, StartFilter start, Action keepOn) =>
        ValueTask.FromResult<DecompressionReader>(new ZipReader(file, Name));

    public override bool Matches(ReadOnlySpan<byte> head) => head.StartsWith("PK\x3\x4"u8);
}
