namespace Sidecar.FuzzTests.Targets;

/// <summary>What bytes are tried on.</summary>
internal interface IFuzzTarget : IDisposable
{
    /// <summary>Byte strings that it looks for, which chance would not find.</summary>
    IReadOnlyList<byte[]> Words { get; }

    /// <summary>Well-formed inputs to begin with.</summary>
    IEnumerable<byte[]> Seeds();

    /// <summary>Throws what is not a verdict.</summary>
    void Run(ReadOnlyMemory<byte> input);
}
