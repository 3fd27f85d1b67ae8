using System.Runtime.InteropServices;
using SharpFuzz.Common;

namespace Sidecar.FuzzTests.Engine;

/// <summary>
/// Which pairs of branches an input took, and how often, as AFL counts them: 1, 2, 3, 4-7, 8-15, 16-31, 32-127 and more are
/// different findings. There is one map, which instrumented code writes to, and so one thread that may run it.
/// </summary>
internal sealed unsafe class Coverage
{
    private const int Branches = 1 << 16;

    // Never freed: a finalizer in instrumented code may write to it at any time.
    private readonly byte* _map = (byte*)NativeMemory.AllocZeroed(Branches);
    private readonly byte[] _seen = new byte[Branches];

    public Coverage() => Trace.SharedMem = _map;

    /// <summary>Pairs of branches that were taken by any input.</summary>
    public int Count { get; private set; }

    private Span<byte> Map => new(_map, Branches);

    /// <summary>Forgets the last input.</summary>
    public void Reset()
    {
        Map.Clear();
        Trace.PrevLocation = 0;
    }

    /// <summary>Whether the last input took a pair of branches, or took it so often, as none before.</summary>
    public bool TakeNew()
    {
        var found = false;
        var words = MemoryMarshal.Cast<byte, ulong>(Map);
        for (var word = words.IndexOfAnyExcept(0UL); word >= 0;)
        {
            for (var at = word * sizeof(ulong); at < (word + 1) * sizeof(ulong); at++) found |= Take(at, Map[at]);
            var next = words[(word + 1)..].IndexOfAnyExcept(0UL);
            word = next < 0 ? -1 : word + 1 + next;
        }

        return found;
    }

    private bool Take(int at, byte times)
    {
        var bit = Bucket(times);
        if ((_seen[at] & bit) == bit) return false;
        if (_seen[at] == 0) Count++;
        _seen[at] |= bit;
        return true;
    }

    private static byte Bucket(byte times) => times switch
    {
        0 => 0,
        1 => 1,
        2 => 2,
        3 => 4,
        < 8 => 8,
        < 16 => 16,
        < 32 => 32,
        < 128 => 64,
        _ => 128,
    };
}
