using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Hashing;
using Microsoft.Win32.SafeHandles;
using Sidecar.Import.Decompression.Core;

namespace Sidecar.Import.Decompression.Codecs;

/// <summary>
/// The content of all members of a gzip file.
/// <para>
/// <see cref="GZipStream"/> reports a file that was cut short anywhere as a complete one (seen with .NET 10: not even
/// a missing trailer is an error), so members are taken apart here and only the deflated data is left to the library.
/// It does not say where that data ends, but behind it stand the checksum and the length of the content, which are
/// known by then: they are looked for in the piece that was read last.
/// </para>
/// </summary>
internal sealed class GzipReader(SafeFileHandle file, string compression) : DecompressionReader(file, compression)
{
    private const int FixedHeaderBytes = 10;
    private const int TrailerBytes = 8;
    private const byte HeaderCrc = 2;
    private const byte Extra = 4;
    private const byte FileName = 8;
    private const byte Comment = 16;

    // File names and comments are read to their end; nobody has any of this length.
    private const int MaxHeaderBytes = 128 << 10;

    // As compressors make them: no flags, or those of a name or of more fields.
    private static readonly BytePattern[] Members = [new("1f 8b 08 00"), new("1f 8b 08 04"), new("1f 8b 08 08")];

    private readonly Crc32 _crc = new();
    private long _position;
    private long _leftOut;
    private FileSlice? _slice;
    private DeflateStream? _inflater;
    private uint _length;

    /// <summary>Identification and compression method 8, the only one there is.</summary>
    public static ReadOnlySpan<byte> Magic => [0x1f, 0x8b, 8];

    public override long LeftOutBytes => _leftOut;

    public override long Consumed => _slice?.Offset ?? _position;

    protected override int Decode(Span<byte> buffer)
    {
        while (true)
        {
            if (_inflater == null && !OpenMember()) return 0;
            var count = _inflater!.Read(buffer);
            if (count == 0)
            {
                Continue(); // there may be any number of empty members
                CloseMember();
                continue;
            }

            _crc.Append(buffer[..count]);
            _length += (uint)count;
            return count;
        }
    }

    public override void Dispose()
    {
        _inflater?.Dispose();
        _slice?.Dispose();
    }

    /// <summary>False at the end of the file. Zeros may follow the last member: tapes and block devices pad.</summary>
    private bool OpenMember()
    {
        if (_position > 0 && (IsPadding() || IsForeign())) return false;
        var header = new byte[(int)Math.Min(MaxHeaderBytes, FileLength - _position)];
        ReadFully(header, _position);
        var start = _position + HeaderLength(header);
        _slice = new FileSlice(File, start, FileLength);
        _inflater = new DeflateStream(_slice, CompressionMode.Decompress);
        _crc.Reset();
        _length = 0;
        return true;
    }

    // What is no member, nor a damaged one, belongs to others: it stands behind a whole one with the right checksum.
    private bool IsForeign()
    {
        var window = new FileWindow(File);
        var head = window.Read(_position, Magic.Length);
        if (head.StartsWith(Magic)) return false;
        if (Remainder.IsDamagedStream(window, _position, Members, Continue)) throw Corrupt("a part of it is damaged");
        _leftOut = FileLength - _position;
        return true;
    }

    private int HeaderLength(ReadOnlySpan<byte> header)
    {
        if (!header.StartsWith(Magic)) throw Corrupt("something else than compressed data follows in it");
        if (header.Length < FixedHeaderBytes) throw Corrupt("it is cut short");
        var flags = header[3];
        var length = FixedHeaderBytes;
        if ((flags & Extra) != 0 && header.Length >= length + 2)
        {
            length += 2 + BinaryPrimitives.ReadUInt16LittleEndian(header[length..]);
        }

        if ((flags & FileName) != 0) length += TextLength(header, length);
        if ((flags & Comment) != 0) length += TextLength(header, length);
        if ((flags & HeaderCrc) != 0) length += 2;
        return length <= header.Length ? length : throw Corrupt("it is cut short");
    }

    private int TextLength(ReadOnlySpan<byte> header, int start)
    {
        var length = start < header.Length ? header[start..].IndexOf((byte)0) : -1;
        return length >= 0 ? length + 1 : throw Corrupt("its header has no end");
    }

    private void CloseMember()
    {
        Span<byte> trailer = stackalloc byte[TrailerBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(trailer, _crc.GetCurrentHashAsUInt32());
        BinaryPrimitives.WriteUInt32LittleEndian(trailer[4..], _length);
        var from = _slice!.LatestStart;
        var last = new byte[(int)Math.Min(_slice.Offset + TrailerBytes, FileLength) - from];
        ReadFully(last, from);
        _position = FindEnd(last, trailer, from);
        _inflater!.Dispose();
        _slice.Dispose();
        (_inflater, _slice) = (null, null);
    }

    // Of several places where the trailer may stand, the one behind which a member, or the end, follows: the trailer of
    // nothing is eight zeros, and a zero that belongs to the compressed data comes before them.
    private long FindEnd(ReadOnlySpan<byte> last, ReadOnlySpan<byte> trailer, long from)
    {
        var first = -1L;
        for (var start = 0; start <= last.Length - TrailerBytes; start++)
        {
            var next = last[start..].IndexOf(trailer);
            if (next < 0) break;
            start += next;
            var end = from + start + TrailerBytes;
            if (end == FileLength || StartsMember(end)) return end;
            if (first < 0) first = end;
        }

        // Whatever follows is told by the next look: padding, or something that does not belong there.
        return first >= 0 ? first : throw Corrupt("it is cut short or damaged: its checksum and length are not there");
    }

    private bool StartsMember(long offset)
    {
        Span<byte> start = stackalloc byte[Magic.Length];
        return FileLength - offset >= start.Length && RandomAccess.Read(File, start, offset) == start.Length
            && start.SequenceEqual(Magic);
    }

    private bool IsPadding()
    {
        var buffer = new byte[(int)Math.Min(64 << 10, FileLength - _position)];
        for (var offset = _position; offset < FileLength; offset += buffer.Length)
        {
            Continue();
            var part = buffer.AsSpan(0, (int)Math.Min(buffer.Length, FileLength - offset));
            ReadFully(part, offset);
            if (part.ContainsAnyExcept((byte)0)) return false;
        }

        return true;
    }

    private void ReadFully(Span<byte> buffer, long offset)
    {
        while (!buffer.IsEmpty)
        {
            var read = RandomAccess.Read(File, buffer, offset);
            if (read == 0) throw Corrupt("it is cut short");
            buffer = buffer[read..];
            offset += read;
        }
    }
}
