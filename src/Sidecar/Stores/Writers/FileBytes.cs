using Microsoft.Win32.SafeHandles;
using Sidecar.Staging.Files;
using Sidecar.Stores.Core;

namespace Sidecar.Stores.Writers;

/// <summary>The bytes of a file. Its holes are not read.</summary>
internal sealed class FileBytes : IImageBytes
{
    private readonly SafeFileHandle _file;
    private readonly long _size;
    private long _dataStart;
    private long _dataEnd;

    /// <exception cref="FileNotFoundException">It is gone.</exception>
    /// <exception cref="StoreException"><see cref="StoreError.StoreCorrupt"/>: it is of another length.</exception>
    public FileBytes(string path, long size)
    {
        (_file, _size) = (RegularFile.OpenToRead(path), size);
        if (RandomAccess.GetLength(_file) == size) return;
        _file.Dispose();
        throw SourceReader.Corrupt($"it is of another length than the {size} bytes that it had");
    }

    public bool Read(Span<byte> block, long offset)
    {
        if (_dataEnd <= offset) (_dataStart, _dataEnd) = Posix.NextData(_file, offset, _size);
        if (_dataStart >= offset + block.Length || _dataEnd <= offset) return false;
        for (var done = 0; done < block.Length;)
        {
            var read = RandomAccess.Read(_file, block[done..], offset + done);
            if (read == 0) throw SourceReader.Corrupt("it ends too early");
            done += read;
        }

        return true;
    }

    public void Dispose() => _file.Dispose();
}
