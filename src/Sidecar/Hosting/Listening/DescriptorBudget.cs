using Sidecar.Staging.Files;

namespace Sidecar.Hosting.Listening;

/// <summary>
/// Keeps half of the process' spare file descriptors for files, pipes and children, whatever the listeners may take together:
/// a process without descriptors can neither write nor read, and .NET aborts it when it needs one of its own.
/// </summary>
internal sealed class DescriptorBudget
{
    private const int Fewest = 16; // with less it could not even be asked how it is

    private readonly long _most = Math.Max(Posix.SpareDescriptors() / 2, Fewest);
    private long _taken;

    /// <summary>False when there is none left for another connection.</summary>
    public bool TryTake()
    {
        if (Interlocked.Increment(ref _taken) <= _most) return true;
        Interlocked.Decrement(ref _taken);
        return false;
    }

    public void GiveBack() => Interlocked.Decrement(ref _taken);
}
