using Microsoft.Win32.SafeHandles;
using Sidecar.Import.Decompression.Core;

namespace Sidecar.Import.Decompression.Archives;

/// <summary>
/// The content of another reader or, where that is a tar archive, of the only regular file in it. Read by hand, as the
/// library's reader holds the headers of an entry in memory, however long the sender made them.
/// </summary>
internal sealed class TarReader(SafeFileHandle file, DecompressionReader inner) : DecompressionReader(file, TarCompression.TarName)
{
    // Paths and times; nobody has any of this length.
    private const long MaxExtraBytes = 1 << 20;

    private readonly byte[] _block = new byte[TarHeader.BlockBytes];
    private readonly byte[] _scratch = new byte[64 << 10];
    private int _head;
    private bool _begun;
    private bool _isTar;
    private bool _hasFile;
    private long _left;
    private long _padding;
    private long _skipped;

    public override long Consumed => inner.Consumed;

    public override long LeftOutBytes => inner.LeftOutBytes;

    public override long SkippedBytes => _skipped;

    public override long? DeclaredLength => inner.DeclaredLength;

    public override void Dispose() => inner.Dispose();

    protected override int Decode(Span<byte> buffer)
    {
        if (!_begun) Begin();
        if (!_isTar) return _head > 0 ? Replay(buffer) : inner.Read(buffer);
        if (_left == 0 && !Advance()) return 0;
        var count = inner.Read(buffer[..(int)Math.Min(buffer.Length, _left)]);
        if (count == 0) throw Corrupt("it is cut short");
        _left -= count;
        return count;
    }

    private void Begin()
    {
        inner.Continue = Continue;
        _begun = true;
        _head = Fill(_block);
        _isTar = TarHeader.Parse(_block.AsSpan(0, _head)) != null;
    }

    private int Replay(Span<byte> buffer)
    {
        var count = Math.Min(buffer.Length, _head);
        _block.AsSpan(0, count).CopyTo(buffer);
        _block.AsSpan(count, _head - count).CopyTo(_block);
        _head -= count;
        return count;
    }

    /// <summary>Goes to the content of the file; false at the end of the archive.</summary>
    private bool Advance()
    {
        Skip(_padding);
        _padding = 0;
        var extras = new TarExtras();
        while (ReadHeader() is { } header)
        {
            Continue();
            if (header.Kind is 'x' or 'L') ReadExtra(header, extras);
            else if (header.Kind is 'g' or 'K' or 'V' or '5') Skip(Padded(header.Bytes));
            else if (Begin(header, extras)) return true;
            else extras = new TarExtras();
        }

        ExpectZeros();
        return _hasFile ? false : throw Unsupported("there is no file in it");
    }

    /// <summary>Whether the entry is the file, whose content follows and is not empty.</summary>
    private bool Begin(TarHeader header, TarExtras extras)
    {
        var (name, bytes) = (extras.Name ?? header.Name, extras.Bytes ?? header.Bytes);
        if (header.Kind is '1' or '2') throw Unsupported("there is a link in it");
        if (header.Kind is '3' or '4' or '6') throw Unsupported("there is a device or a pipe in it");
        if (extras.IsSparse || header.Kind == 'S') throw Unsupported("its file is a sparse one (as tar --sparse makes it)");
        if (header.Kind is not ('0' or '\0' or '7')) throw Unsupported($"there is an entry of an unknown kind ({(int)header.Kind}) in it");
        if (!ArchiveNames.IsFile(name))
        {
            Skip(Padded(bytes));
            return false;
        }

        if (_hasFile) throw Unsupported("there is more than one file in it");
        (_hasFile, _left, _padding) = (true, bytes, Padded(bytes) - bytes);
        return bytes > 0;
    }

    private void ReadExtra(TarHeader header, TarExtras extras)
    {
        if (header.Bytes > MaxExtraBytes) throw Unsupported("the headers in it are too long");
        var bytes = new byte[Padded(header.Bytes)];
        if (Fill(bytes) < bytes.Length) throw Corrupt("it is cut short");
        var text = bytes.AsSpan(0, (int)header.Bytes);
        if (header.Kind == 'L') extras.SetLongName(text);
        else if (!extras.TryAdd(text)) throw Corrupt("a header in it makes no sense");
    }

    /// <summary>Null at the end of the archive.</summary>
    private TarHeader? ReadHeader()
    {
        var count = _head > 0 ? _head : Fill(_block);
        _head = 0;
        if (count == 0 || (count == _block.Length && !_block.AsSpan().ContainsAnyExcept((byte)0))) return null;
        if (count < _block.Length) throw Corrupt("it is cut short");
        return TarHeader.Parse(_block) ?? throw Corrupt("a header in it is damaged");
    }

    private void ExpectZeros()
    {
        while (inner.Read(_scratch) is var count and > 0)
        {
            Count(count);
            if (_scratch.AsSpan(0, count).ContainsAnyExcept((byte)0)) throw Corrupt("something else follows its end");
        }
    }

    private void Skip(long bytes)
    {
        while (bytes > 0)
        {
            var count = inner.Read(_scratch.AsSpan(0, (int)Math.Min(_scratch.Length, bytes)));
            if (count == 0) throw Corrupt("it is cut short");
            bytes -= count;
            Count(count);
        }
    }

    private void Count(int bytes)
    {
        _skipped += bytes;
        Continue();
    }

    private int Fill(Span<byte> buffer)
    {
        var filled = 0;
        while (filled < buffer.Length && inner.Read(buffer[filled..]) is var count and > 0) filled += count;
        return filled;
    }

    private long Padded(long bytes) => bytes <= long.MaxValue - TarHeader.BlockBytes
        ? (bytes + TarHeader.BlockBytes - 1) / TarHeader.BlockBytes * TarHeader.BlockBytes
        : throw Corrupt("a length in it makes no sense");
}
