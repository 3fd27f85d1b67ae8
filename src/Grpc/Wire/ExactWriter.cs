using System.Buffers;

namespace Grpc.Wire;

/// <summary>Passes exactly the announced number of bytes on.</summary>
internal sealed class ExactWriter(IBufferWriter<byte> target, int bytes) : IBufferWriter<byte>
{
    private int _missing = bytes;

    public bool IsExact => _missing == 0;

    public void Advance(int count)
    {
        if (count > _missing)
            throw new InvalidOperationException("The serializer wrote more than it announced.");

        target.Advance(count);
        _missing -= count;
    }

    public Memory<byte> GetMemory(int sizeHint = 0) => target.GetMemory(sizeHint);

    public Span<byte> GetSpan(int sizeHint = 0) => target.GetSpan(sizeHint);
}
