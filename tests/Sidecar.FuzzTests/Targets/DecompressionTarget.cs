using System.Text;
using Microsoft.Win32.SafeHandles;
using Sidecar.Import.Core;
using Sidecar.Import.Decompression;
using Sidecar.Import.Decompression.Archives;
using Sidecar.Import.Decompression.Core;

namespace Sidecar.FuzzTests.Targets;

/// <summary>
/// All that is unpacked in the daemon's process, to its end; and of what programs unpack, that which the daemon reads before it
/// starts one.
/// </summary>
internal sealed class DecompressionTarget : IFuzzTarget
{
    private const int MaxOutputBytes = 1 << 20;

    private readonly byte[] _buffer = new byte[64 << 10];
    private readonly string _path = Path.Combine("/dev/shm", Path.GetRandomFileName());
    private readonly SafeFileHandle _file;

    public DecompressionTarget() =>
        _file = File.OpenHandle(_path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite, FileOptions.DeleteOnClose);

    public IReadOnlyList<byte[]> Words { get; } =
    [
        .. new[]
        {
            "\x1f\x8b\x08", "PK\x03\x04", "PK\x01\x02", "PK\x05\x06", "PK\x06\x06", "PK\x06\x07", "PK\x07\x08", "\xfd" + "7zXZ\0", "YZ",
            "\x28\xb5\x2f\xfd", "\x50\x2a\x4d\x18", "\x04\x22\x4d\x18", "\x02\x21\x4c\x18", "BZh91AY&SY", "\x17rE8P\x90", "ustar\0" + "00",
            "ustar  \0", "././@LongLink", "GNU.sparse.major=1\n", "GNU.sparse.map=", "22 path=", "30 size=", "0000644\0", "7777777\0",
            "]\0\0\x80\0", "-lh5-", "\x01\0\x10\0", "\x80\0\0\0",
        }.Select(Encoding.Latin1.GetBytes),
    ];

    public IEnumerable<byte[]> Seeds() => PackedSeeds.Make();

    public void Run(ReadOnlyMemory<byte> input)
    {
        RandomAccess.SetLength(_file, input.Length);
        RandomAccess.Write(_file, input.Span, 0);
        if (Compressions.Detect(input.Span[..Math.Min(input.Length, Compressions.MagicBytes)]) is not { } kind) return;
        try
        {
            using var reader = Open(kind);
            for (var unpacked = 0; unpacked < MaxOutputBytes;)
            {
                var count = reader.Read(_buffer);
                if (count == 0) break;
                unpacked += count;
            }

            if (reader.Consumed < 0 || reader.Consumed > input.Length) throw new InvalidOperationException($"It used up {reader.Consumed} bytes.");
        }
        catch (ImportException)
        {
            // A verdict.
        }
        catch (ProgramIsNextException)
        {
            // What it makes of the bytes happens in a process of its own, which is confined.
        }
    }

    public void Dispose() => _file.Dispose();

    private TarReader Open(Compression kind)
    {
        var steps = 0;
        var opening = kind.OpenAsync(_file, (_, _, extent) => throw Next(extent), KeepOn).AsTask();
        return new TarReader(_file, opening.GetAwaiter().GetResult()) { Continue = KeepOn };

        // The daemon looks at the clock here; and the number of looks is bounded by the length of the file.
        void KeepOn()
        {
            if (++steps > 10_000_000) throw new InvalidOperationException("It goes on and on.");
        }
    }

    private ProgramIsNextException Next(Extent extent)
    {
        if (extent.End < 0 || extent.End > RandomAccess.GetLength(_file) || extent.MemoryBytes < 0)
        {
            throw new InvalidOperationException($"The extent is {extent}.");
        }

        return new ProgramIsNextException();
    }

    private sealed class ProgramIsNextException : Exception;
}
