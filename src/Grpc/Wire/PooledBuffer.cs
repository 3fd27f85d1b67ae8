using System.Buffers;

namespace Grpc.Wire;

/// <summary>A growing buffer of rented memory. Not cleared on return: it holds only this process's messages.</summary>
internal sealed class PooledBuffer(int sizeHint = 0) : IBufferWriter<byte>, IDisposable
{
    private const int SmallestRent = 1024;

    private byte[] _array = ArrayPool<byte>.Shared.Rent(Math.Max(sizeHint, SmallestRent));
    private int _written;

    public ReadOnlyMemory<byte> Written => _array.AsMemory(0, _written);

    public void Advance(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)count, (uint)(_array.Length - _written));
        _written += count;
    }

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(Math.Max(1, sizeHint));
        return _array.AsMemory(_written);
    }

    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public void Dispose()
    {
        var array = _array;
        _array = [];
        _written = 0;
        if (array.Length > 0)
            ArrayPool<byte>.Shared.Return(array);
    }

    private void Reserve(int free)
    {
        if (_array.Length - _written >= free)
            return;

        var doubled = (int)Math.Min(_array.Length * 2L, Array.MaxLength);
        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(checked(_written + free), doubled));
        _array.AsSpan(0, _written).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_array);
        _array = larger;
    }
}
