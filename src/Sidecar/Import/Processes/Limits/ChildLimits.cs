using System.Globalization;

namespace Sidecar.Import.Processes.Limits;

/// <summary>What one child process may take.</summary>
/// <param name="MemoryBytes">Address space (RLIMIT_AS).</param>
/// <param name="CpuTime">RLIMIT_CPU, in whole seconds.</param>
/// <param name="FileBytes">Largest file that it may write (RLIMIT_FSIZE).</param>
/// <param name="Timeout">Wall-clock time, after which it is killed.</param>
internal sealed record ChildLimits(long MemoryBytes, TimeSpan CpuTime, long FileBytes, TimeSpan Timeout)
{
    // qemu-img opens its two files and a few event descriptors.
    public const int OpenFiles = 64;

    // qemu-img has up to 64 for reading and writing, and a few of its own.
    public const int Threads = 128;

    // Between the CPU limit's signal, which tells what happened, and the kill that cannot be caught.
    private const int CpuGraceSeconds = 5;

    /// <summary>
    /// What it counts for in <see cref="ChildMemory"/>: of the address space, libraries and stacks take most and no memory.
    /// </summary>
    public long PromisedBytes { get; init; } = MemoryBytes;

    public long CpuSeconds => (long)Math.Ceiling(CpuTime.TotalSeconds);

    /// <summary>As the arguments of <c>prlimit</c>, soft and hard.</summary>
    /// <param name="withThreads">Whether the limit of threads would be the child's own.</param>
    public IEnumerable<string> ToArguments(bool withThreads)
    {
        yield return Limit("as", MemoryBytes, MemoryBytes);
        yield return Limit("cpu", CpuSeconds, CpuSeconds + CpuGraceSeconds);
        yield return Limit("fsize", FileBytes, FileBytes);
        yield return Limit("nofile", OpenFiles, OpenFiles);
        yield return Limit("core", 0, 0);
        if (withThreads) yield return Limit("nproc", Threads, Threads);

        static string Limit(string resource, long soft, long hard) =>
            string.Create(CultureInfo.InvariantCulture, $"--{resource}={soft}:{hard}");
    }
}
