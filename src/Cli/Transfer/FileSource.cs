using Microsoft.Win32.SafeHandles;
using Stagectl.Failures;
using Crc = Sidecar.Staging.Files.Crc32C;

namespace Stagectl.Transfer;

/// <summary>
/// A file. Its size is what it was when it was opened; one that shrinks meanwhile ends the upload. Where nobody asks for its CRC-32C
/// it can be set to any offset without reading what is before it.
/// </summary>
internal sealed class FileSource : UploadSource
{
    // What is read again at most when a broken upload goes on, to know the CRC up to there.
    private const long CheckpointBytes = 64 << 20;

    private readonly string _path;
    private readonly SafeFileHandle _file;
    private readonly bool _withCrc32C;
    private readonly long _size;
    private readonly List<(long Offset, uint Crc32C)> _checkpoints = [(0, Crc.Empty)];

    public FileSource(string path, bool withCrc32C = true)
    {
        _path = path;
        _withCrc32C = withCrc32C;
        _file = File.OpenHandle(path, options: FileOptions.SequentialScan);
        _size = RandomAccess.GetLength(_file);
    }

    public override long? Size => _size;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var wanted = buffer[..(int)Math.Min(buffer.Length, _size - Offset)];
        var filled = 0;
        while (filled < wanted.Length)
        {
            var read = await RandomAccess.ReadAsync(_file, wanted[filled..], Offset + filled, cancellationToken);
            if (read == 0) throw new CommandException(Failure.Local($"{_path} became shorter while it was read."));
            filled += read;
        }

        if (_withCrc32C) Crc32C = Crc.Append(Crc32C, wanted.Span);
        Offset += filled;
        if (_withCrc32C && Offset - _checkpoints[^1].Offset >= CheckpointBytes) _checkpoints.Add((Offset, Crc32C));
        return filled;
    }

    public override async ValueTask SeekAsync(long offset, CancellationToken cancellationToken)
    {
        if (offset == Offset) return;
        if (offset > _size)
        {
            throw new CommandException(Failure.Local(
                $"{_path} has {_size} bytes, and the sidecar has {offset} of its upload already: it is another file."));
        }

        if (!_withCrc32C)
        {
            Offset = offset;
            return;
        }

        (Offset, Crc32C) = _checkpoints.FindLast(point => point.Offset <= offset);
        var buffer = new byte[1 << 20];
        while (Offset < offset)
        {
            await ReadAsync(buffer.AsMemory(0, (int)Math.Min(buffer.Length, offset - Offset)), cancellationToken);
        }
    }

    public override void Dispose() => _file.Dispose();
}
