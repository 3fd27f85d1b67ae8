using System.Security.Cryptography;
using Sidecar.FuzzTests.Targets;

namespace Sidecar.FuzzTests.Engine;

/// <summary>Tries inputs one by one, keeps those that reach new branches, and tells what is wrong with those that fail.</summary>
internal sealed class Runner(IFuzzTarget target, Coverage coverage, Corpus corpus, HangWatch hangs)
{
    /// <summary>More than any input of this size has a right to: the largest reads of the inspection are a mebibyte.</summary>
    private const long MaxAllocatedBytes = 64 << 20;

    public long Executions { get; private set; }

    /// <returns>What is wrong; null: nothing.</returns>
    public string? Try(ReadOnlyMemory<byte> input)
    {
        Executions++;
        hangs.Begin(input);
        coverage.Reset();
        var before = GC.GetAllocatedBytesForCurrentThread();
        var failure = Run(input);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        hangs.End();
        if (allocated > MaxAllocatedBytes) failure ??= $"It took {allocated} bytes of memory.";
        if (failure is not null) return $"{failure}\nThe input: {Save(input.Span)}";
        if (coverage.TakeNew()) corpus.Add(input.ToArray());
        return null;
    }

    private string? Run(ReadOnlyMemory<byte> input)
    {
        try
        {
            target.Run(input);
            return null;
        }
#pragma warning disable CA1031 // Whatever comes out is what is looked for.
        catch (Exception failure)
        {
            return failure.ToString();
        }
#pragma warning restore CA1031
    }

    /// <summary>Writes an input where a person finds it, to become a test.</summary>
    public static string Save(ReadOnlySpan<byte> input)
    {
        var path = Path.Combine(Path.GetTempPath(), $"fuzz-{Convert.ToHexStringLower(SHA256.HashData(input))[..16]}");
        File.WriteAllBytes(path, input);
        return path;
    }
}
