using Microsoft.Win32.SafeHandles;
using Sidecar.Import.Decompression.Core;

namespace Sidecar.Import.Decompression.Archives;

/// <summary>A tar archive with one file, which is taken out; inside a compressed file <see cref="TarReader"/> finds it by itself.</summary>
internal sealed class TarCompression : Compression
{
    public const string TarName = "tar";

    public override string Name => TarName;

    public override ValueTask<DecompressionReader> OpenAsync(SafeFileHandle file, StartFilter start, Action keepOn) =>
        ValueTask.FromResult<DecompressionReader>(new PlainReader(file));

    public override bool Matches(ReadOnlySpan<byte> head) => TarHeader.Parse(head) != null;

    /// <summary>The file as it is.</summary>
    private sealed class PlainReader(SafeFileHandle file) : DecompressionReader(file, TarName)
    {
        private long _offset;

        public override long Consumed => _offset;

        public override void Dispose()
        {
        }

        protected override int Decode(Span<byte> buffer)
        {
            var count = RandomAccess.Read(File, buffer, _offset);
            _offset += count;
            return count;
        }
    }
}
