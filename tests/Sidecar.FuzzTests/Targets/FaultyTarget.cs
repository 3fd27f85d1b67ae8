using System.Buffers.Binary;
using SharpFuzz.Common;

namespace Sidecar.FuzzTests.Targets;

/// <summary>
/// Trusts a number behind two magics, as a bad inspector would. Each is found only where the branch before it was seen; the
/// traces are those that instrumented code leaves.
/// </summary>
internal sealed unsafe class FaultyTarget : IFuzzTarget
{
    private static readonly byte[] Magic = "FAUL"u8.ToArray();

    public IReadOnlyList<byte[]> Words => [Magic];

    public IEnumerable<byte[]> Seeds() => [new byte[16]];

    public void Run(ReadOnlyMemory<byte> input)
    {
        Trace.SharedMem[0]++;
        if (input.Length < 12 || !input.Span.StartsWith(Magic)) return;
        Trace.SharedMem[1]++;
        if (!input.Span[4..].StartsWith(Magic)) return;
        Trace.SharedMem[2]++;
        var offset = BinaryPrimitives.ReadInt32LittleEndian(input.Span[8..]);
        if (offset >= 0 && input.Span[offset] != 0) Trace.SharedMem[3]++;
    }

    public void Dispose()
    {
    }
}
