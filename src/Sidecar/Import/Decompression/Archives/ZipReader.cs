using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Hashing;
using Microsoft.Win32.SafeHandles;
using Sidecar.Import.Decompression.Core;

namespace Sidecar.Import.Decompression.Archives;

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

    // As Windows packs what is larger than 2 GiB; only the library's archive can unpack it, and no stream of its own.
    private const int Deflated64 = 9;

    private readonly ZipMember _member;
    private readonly ZipArchive? _archive;
    private readonly Func<long> _consumed;
    private readonly Stream _content;
    private readonly Crc32 _crc = new();
    private long _length;

    public ZipReader(SafeFileHandle file, string compression)
        : base(file, compression)
    {
        _member = FindMember(file);
        var start = FindData();
        if (_member.PackedBytes > FileLength - start) throw Corrupt("it is cut short");
        if (_member.Method == Deflated64)
        {
            var whole = new SeekableFile(file);
            (_archive, _content) = Open64(whole);
            _consumed = () => whole.Position;
            return;
        }

        var slice = new FileSlice(file, start, start + _member.PackedBytes);
        _content = _member.Method == Stored ? slice : new DeflateStream(slice, CompressionMode.Decompress);
        _consumed = () => slice.Offset;
    }

    public override long Consumed => _consumed();

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
        _content.Dispose();
        _archive?.Dispose();
    }

    private (ZipArchive Archive, Stream Content) Open64(SeekableFile whole)
    {
        try
        {
            var archive = new ZipArchive(whole, ZipArchiveMode.Read);
            // The library finds the directory in its own way, and so another one where somebody wrote two.
            if (_member.Index >= archive.Entries.Count) throw Corrupt("its directory is damaged");
            return (archive, archive.Entries[_member.Index].Open());
        }
        catch (InvalidDataException)
        {
            throw Corrupt("its directory is damaged");
        }
    }

    private ZipMember FindMember(SafeFileHandle file)
    {
        var (error, found) = ZipMember.Find(new FileWindow(file));
        var member = error switch
        {
            ZipError.None => found!,
            ZipError.Damaged => throw Corrupt("its directory is missing or damaged"),
            ZipError.NoMember => throw Unsupported("there is no file in it"),
            ZipError.SeveralMembers => throw Unsupported("there is more than one file in it"),
        };
        if ((member.Flags & ZipMember.Encrypted) != 0) throw Unsupported("its member is encrypted");
        if (member.IsLink) throw Unsupported("its member is a link");
        return member.Method is Stored or Deflated or Deflated64 ? member : throw Unsupported(
            $"its member is packed by method {member.Method}, not stored or deflated", "Use the method deflate");
    }

    private long FindData()
    {
        var header = new byte[LocalBytes];
        if (RandomAccess.Read(File, header, _member.HeaderOffset) != LocalBytes
            || BinaryPrimitives.ReadUInt32LittleEndian(header) != LocalSignature)
        {
            throw Corrupt("its directory does not belong to its member");
        }

        return _member.HeaderOffset + LocalBytes + BinaryPrimitives.ReadUInt16LittleEndian(header.AsSpan(26))
            + BinaryPrimitives.ReadUInt16LittleEndian(header.AsSpan(28));
    }
}
