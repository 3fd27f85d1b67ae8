using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace Sidecar.Import.Decompression;

internal enum ZipError
{
    None,
    Damaged,
    SeveralMembers,
}

/// <summary>The entry of the only member in a zip file's directory.</summary>
internal sealed record ZipMember(
    bool IsEncrypted, int Method, uint Crc, long PackedBytes, long Bytes, long HeaderOffset)
{
    private const uint EndSignature = 0x06054b50;
    private const uint End64LocatorSignature = 0x07064b50;
    private const uint End64Signature = 0x06064b50;
    private const uint EntrySignature = 0x02014b50;
    private const int EndBytes = 22;
    private const int End64LocatorBytes = 20;
    private const int End64Bytes = 56;
    private const int EntryBytes = 46;
    private const int MaxCommentBytes = ushort.MaxValue;
    private const int Zip64Extra = 1;

    /// <summary>Finds the directory from the end of the file and reads its entry.</summary>
    public static (ZipError Error, ZipMember? Member) Find(SafeFileHandle file, long length)
    {
        if (FindDirectory(file, length) is not var (entries, offset)) return (ZipError.Damaged, null);
        if (entries != 1) return (ZipError.SeveralMembers, null);
        var entry = Read(file, offset, EntryBytes);
        if (entry.Length < EntryBytes || UInt32(entry, 0) != EntrySignature) return (ZipError.Damaged, null);
        var extra = Read(file, offset + EntryBytes + UInt16(entry, 28), UInt16(entry, 30));
        var member = new ZipMember(
            (UInt16(entry, 8) & 1) != 0,
            UInt16(entry, 10),
            UInt32(entry, 16),
            PackedBytes: UInt32(entry, 20),
            Bytes: UInt32(entry, 24),
            HeaderOffset: UInt32(entry, 42)).Widen(extra);
        return member.PackedBytes < 0 || member.Bytes < 0 ? (ZipError.Damaged, null) : (ZipError.None, member);
    }

    private static (long Entries, long Offset)? FindDirectory(SafeFileHandle file, long length)
    {
        var tailBytes = (int)Math.Min(length, EndBytes + MaxCommentBytes);
        var tail = Read(file, length - tailBytes, tailBytes);
        Span<byte> signature = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(signature, EndSignature);
        // The comment may hold the signature too: only an end record whose comment reaches the file's end is one.
        for (var at = tail.Span.LastIndexOf(signature); at >= 0; at = tail.Span[..at].LastIndexOf(signature))
        {
            if (at + EndBytes > tail.Length || at + EndBytes + UInt16(tail, at + 20) != tail.Length) continue;
            (long, long)? found = (UInt16(tail, at + 10), UInt32(tail, at + 16));
            return FindDirectory64(file, length - tailBytes + at) ?? found;
        }

        return null;
    }

    private static (long Entries, long Offset)? FindDirectory64(SafeFileHandle file, long end)
    {
        var locator = Read(file, end - End64LocatorBytes, End64LocatorBytes);
        if (locator.Length < End64LocatorBytes || UInt32(locator, 0) != End64LocatorSignature) return null;
        var record = Read(file, Int64(locator, 8), End64Bytes);
        if (record.Length < End64Bytes || UInt32(record, 0) != End64Signature) return null;
        return (Int64(record, 32), Int64(record, 48));
    }

    /// <summary>Takes the numbers that do not fit in 32 bits from where zip64 has them.</summary>
    private ZipMember Widen(ReadOnlyMemory<byte> extra)
    {
        while (extra.Length >= 4)
        {
            var body = extra[4..Math.Min(extra.Length, 4 + UInt16(extra, 2))];
            if (UInt16(extra, 0) == Zip64Extra)
            {
                var bytes = Take(ref body, Bytes);
                var packed = Take(ref body, PackedBytes);
                return this with { Bytes = bytes, PackedBytes = packed, HeaderOffset = Take(ref body, HeaderOffset) };
            }

            extra = extra[Math.Min(extra.Length, 4 + UInt16(extra, 2))..];
        }

        return this;
    }

    private static long Take(ref ReadOnlyMemory<byte> body, long narrow)
    {
        if (narrow != uint.MaxValue || body.Length < sizeof(long)) return narrow;
        var wide = Int64(body, 0);
        body = body[sizeof(long)..];
        return wide;
    }

    private static ReadOnlyMemory<byte> Read(SafeFileHandle file, long offset, int count)
    {
        if (offset < 0) return default;
        var buffer = new byte[count];
        var done = 0;
        while (done < count && RandomAccess.Read(file, buffer.AsSpan(done), offset + done) is var read and > 0)
        {
            done += read;
        }

        return buffer.AsMemory(0, done);
    }

    private static ushort UInt16(ReadOnlyMemory<byte> bytes, int at) =>
        BinaryPrimitives.ReadUInt16LittleEndian(bytes.Span[at..]);

    private static uint UInt32(ReadOnlyMemory<byte> bytes, int at) =>
        BinaryPrimitives.ReadUInt32LittleEndian(bytes.Span[at..]);

    private static long Int64(ReadOnlyMemory<byte> bytes, int at) =>
        BinaryPrimitives.ReadInt64LittleEndian(bytes.Span[at..]);
}
