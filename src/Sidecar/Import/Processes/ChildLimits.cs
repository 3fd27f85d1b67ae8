namespace Sidecar.Import.Processes;

/// <summary>What one child process may take.</summary>
/// <param name="MemoryBytes">Address space (RLIMIT_AS).</param>
/// <param name="CpuTime">RLIMIT_CPU, in whole seconds.</param>
/// <param name="FileBytes">Largest file that it may write (RLIMIT_FSIZE).</param>
/// <param name="Timeout">Wall-clock time, after which it is killed.</param>
internal sealed record ChildLimits(long MemoryBytes, TimeSpan CpuTime, long FileBytes, TimeSpan Timeout)
{
    // qemu-img opens its two files and a few event descriptors.
    public const int OpenFiles = 64;

    public long CpuSeconds => (long)Math.Ceiling(CpuTime.TotalSeconds);
}
