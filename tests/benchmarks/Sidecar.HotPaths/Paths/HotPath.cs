using BenchmarkDotNet.Attributes;

namespace Sidecar.HotPaths;

/// <summary>
/// Something that happens for every chunk, or nearly. Its public methods are operations, which BenchmarkDotNet measures and a test
/// holds to their <see cref="BudgetAttribute"/>. The constructor makes what they need.
/// </summary>
public abstract class HotPath : IDisposable
{
    [GlobalCleanup]
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Removes what the constructor made.</summary>
    protected virtual void Dispose(bool disposing)
    {
    }
}
