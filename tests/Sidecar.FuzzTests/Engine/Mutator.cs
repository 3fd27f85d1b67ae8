using System.Buffers.Binary;

namespace Sidecar.FuzzTests.Engine;

/// <summary>Makes an input of one or two others by a few changes at random, most of them to numbers in headers.</summary>
/// <param name="words">Byte strings that the target looks for.</param>
internal sealed class Mutator(Random random, IReadOnlyList<byte[]> words)
{
    private const int MaxChanges = 6;
    private const int MaxBlock = 512;

    /// <summary>Inputs grow no longer than this; the largest seed has a third of it.</summary>
    private const int MaxBytes = 1 << 20;

    // Where programs count wrong: around powers of two, and at the ends of signed numbers.
    private static readonly long[] Interesting =
    [
        0, 1, -1, 2, 16, 63, 64, 100, 127, 128, 255, 256, 511, 512, 1000, 4095, 4096, 32767, 32768, 65535, 65536,
        int.MaxValue, int.MinValue, uint.MaxValue, 1L << 32, 1L << 40, 1L << 62, long.MaxValue, long.MinValue,
    ];

    private readonly byte[] _buffer = new byte[MaxBytes];
    private int _length;

    /// <summary>Valid until the next call.</summary>
    public ReadOnlyMemory<byte> Change(Corpus corpus)
    {
        var origin = corpus.Draw(random);
        _length = Math.Min(origin.Length, MaxBytes);
        origin.AsSpan(0, _length).CopyTo(_buffer);
        for (var changes = random.Next(1, MaxChanges + 1); changes > 0; changes--) ChangeOnce(corpus);
        return _buffer.AsMemory(0, _length);
    }

    private void ChangeOnce(Corpus corpus)
    {
        if (_length == 0)
        {
            Insert(words[random.Next(words.Count)]);
            return;
        }

        switch (random.Next(12))
        {
            case 0: _buffer[Position()] ^= (byte)(1 << random.Next(8)); break;
            case 1: _buffer[Position()] = (byte)random.Next(256); break;
            case 2 or 3: SetNumber(Interesting[random.Next(Interesting.Length)]); break;
            case 4 or 5: AddToNumber(random.Next(-64, 65)); break;
            case 6: SetNumber(random.Next(_length + 1)); break;
            case 7: Overwrite(words[random.Next(words.Count)]); break;
            case 8: Insert(words[random.Next(words.Count)]); break;
            case 9: Overwrite(Block(corpus.Draw(random))); break;
            case 10: Insert(Block(corpus.Draw(random))); break;
            default: Remove(); break;
        }
    }

    // Headers are at the beginning, footers at the end; in between lies mostly data.
    private int Position() => random.Next(4) switch
    {
        0 => random.Next(Math.Min(_length, 64)),
        1 => random.Next(Math.Min(_length, 1024)),
        2 => _length - 1 - random.Next(Math.Min(_length, 1024)),
        _ => random.Next(_length),
    };

    private Span<byte> Number() => _buffer.AsSpan(Position() is var at && at + 8 <= _length ? at : Math.Max(0, _length - 8), Math.Min(8, _length));

    private void SetNumber(long value)
    {
        var place = Number();
        Span<byte> bytes = stackalloc byte[8];
        var width = Math.Min(1 << random.Next(4), place.Length);
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        if (random.Next(2) == 0) bytes[..width].Reverse();
        bytes[..width].CopyTo(place);
    }

    private void AddToNumber(int value)
    {
        var place = Number();
        if (place.Length < 8) place[0] += (byte)value;
        else if (random.Next(2) == 0) BinaryPrimitives.WriteInt32LittleEndian(place, BinaryPrimitives.ReadInt32LittleEndian(place) + value);
        else BinaryPrimitives.WriteInt32BigEndian(place, BinaryPrimitives.ReadInt32BigEndian(place) + value);
    }

    private ReadOnlySpan<byte> Block(byte[] other)
    {
        if (other.Length == 0) return default;
        var length = random.Next(1, Math.Min(other.Length, MaxBlock) + 1);
        return other.AsSpan(random.Next(other.Length - length + 1), length);
    }

    private void Overwrite(ReadOnlySpan<byte> bytes)
    {
        var at = Position();
        bytes[..Math.Min(bytes.Length, _length - at)].CopyTo(_buffer.AsSpan(at));
    }

    private void Insert(ReadOnlySpan<byte> bytes)
    {
        if (_length + bytes.Length > MaxBytes) return;
        var at = _length == 0 ? 0 : Position();
        _buffer.AsSpan(at, _length - at).CopyTo(_buffer.AsSpan(at + bytes.Length));
        bytes.CopyTo(_buffer.AsSpan(at));
        _length += bytes.Length;
    }

    private void Remove()
    {
        var at = Position();
        var length = random.Next(8) == 0 ? _length - at : random.Next(1, Math.Min(_length - at, MaxBlock) + 1);
        _buffer.AsSpan(at + length, _length - at - length).CopyTo(_buffer.AsSpan(at));
        _length -= length;
    }
}
