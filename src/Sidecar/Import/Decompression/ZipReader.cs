using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Hashing;
using Microsoft.Win32.SafeHandles;

namespace Sidecar.Import.Decompression;

/// <summary>
/// The content of a zip file's only member (PKWARE APPNOTE 6.3). Read by hand because the library's archive holds the
/// whole directory in memory, however long the sender made it, and checks no checksums.
/// </summary>
internal sealed class ZipReader : DecompressionReader
{
    private const uint LocalSignature = 0x04034b50;
    private const int LocalBytes = 30;
    private const int Stored = 0;
    private const int Deflated = 8;

    private readonly ZipMember _member;
    private readonly FileSlice _slice;
    private readonly Stream _content;
    private readonly Crc32 _crc = new();
    private long _length;

    public ZipReader(SafeFileHandle file, string compression)
        : base(file, compression)
    {
        var (error, member) = ZipMember.Find(file, FileLength);
        _member = error switch
        {
            ZipError.None => member!,
            ZipError.Damaged => throw Corrupt("its directory is missing or damaged"),
            ZipError.SeveralMembers => throw Unsupported("it does not have exactly one member"),
        };
        if (_member.IsEncrypted) throw Unsupported("its member is encrypted");
        if (_member.Method is not (Stored or Deflated))
        {
            throw Unsupported($"its member is packed by method {_member.Method}, not stored or deflated");
        }

        var start = FindData();
        if (_member.PackedBytes > FileLength - start) throw Corrupt("it is cut short");
        _slice = new FileSlice(file, start, start + _member.PackedBytes);
        _content = _member.Method == Stored ? _slice : new DeflateStream(_slice, CompressionMode.Decompress);
    }

    public override long Consumed => _slice.Offset;

    public override long? DeclaredLength => _member.Bytes;

    protected override int Decode(Span<byte> buffer)
    {
        var count = _content.Read(buffer);
        _length += count;
        if (_length > _member.Bytes) throw Corrupt("it holds more than it says");
        if (count > 0)
        {
            _crc.Append(buffer[..count]);
        }
        else if (_length != _member.Bytes || _crc.GetCurrentHashAsUInt32() != _member.Crc)
        {
            throw Corrupt("its content does not have the length and checksum that it says");
        }

        return count;
    }

    public override void Dispose()
    {
        _content?.Dispose();
        _slice?.Dispose();
    }

    /// <summary>
    /// The member must be the first thing in the file: a reader that goes by the front and one that goes by the
    /// directory at the end then see the same.
    /// </summary>
    private long FindData()
    {
        Span<byte> header = stackalloc byte[LocalBytes];
        if (_member.HeaderOffset != 0 || RandomAccess.Read(File, header, 0) != LocalBytes
            || BinaryPrimitives.ReadUInt32LittleEndian(header) != LocalSignature)
        {
            throw Corrupt("its directory does not belong to its member");
        }

        return LocalBytes + BinaryPrimitives.ReadUInt16LittleEndian(header[26..])
            + BinaryPrimitives.ReadUInt16LittleEndian(header[28..]);
    }
}
