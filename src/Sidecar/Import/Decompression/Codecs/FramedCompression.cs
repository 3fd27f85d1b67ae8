using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;
using Sidecar.Import.Decompression.Core;

namespace Sidecar.Import.Decompression.Codecs;

/// <summary>A file that begins with a skippable frame, which is one of zstd or of lz4: the first other frame tells.</summary>
internal sealed class FramedCompression(Compression zstd, Compression lz4) : Compression
{
    public override string Name => zstd.Name;

    public override ValueTask<DecompressionReader> OpenAsync(SafeFileHandle file, StartFilter start, Action keepOn) =>
        SkippableFrames.FirstMagic(new FileWindow(file), keepOn) is Lz4Frames.Magic or Lz4Frames.LegacyMagic
            ? lz4.OpenAsync(file, start, keepOn) : zstd.OpenAsync(file, start, keepOn);

    public override bool Matches(ReadOnlySpan<byte> head) => 
        head.Length >= sizeof(uint) && SkippableFrames.IsOne(BinaryPrimitives.ReadUInt32LittleEndian(head));
}
