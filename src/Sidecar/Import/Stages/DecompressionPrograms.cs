using Microsoft.Win32.SafeHandles;
using Sidecar.Import.Core;
using Sidecar.Import.Decompression.Core;
using Sidecar.Import.Processes;
using Sidecar.Import.Processes.Limits;
using Sidecar.Import.Settings;
using Sidecar.Import.Tools;

namespace Sidecar.Import.Stages;

/// <summary>Starts the programs that unpack, with the memory and the threads that the headers of an image ask for.</summary>
internal sealed class DecompressionPrograms(ChildRunner children, ToolPaths tools, ChildMemory memory, DecompressionOptions options)
{
    // The presets of xz take up to 65 MiB, and zstd refuses windows over 128 MiB by itself.
    private const long MaxProgramBytes = 1L << 30;

    // A program's own buffers; and, in its address space only, its libraries and the stacks of its threads.
    private const long BufferMemoryBytes = 32 << 20;
    private const long OverheadBytes = 256 << 20;
    private const long ThreadOverheadBytes = 16 << 20;

    /// <summary>Starts a program over a file, up to where it is to be unpacked.</summary>
    /// <param name="directory">The import's own.</param>
    /// <exception cref="ImportException">CompressionUnsupported: it takes too much memory; ToolMissing, ToolUnavailable.</exception>
    public Task<ChildFilter> StartAsync(
        Tool tool, IReadOnlyList<string> arguments, Extent extent, string directory, SafeFileHandle input,
        CancellationToken cancellationToken)
    {
        var (threads, needed) = Plan(tool, extent);
        var limits = new ChildLimits(
            needed + OverheadBytes + (threads * ThreadOverheadBytes), options.Timeout * threads, 0, options.Timeout)
        {
            PromisedBytes = needed,
        };
        if (threads > 1) (tool, arguments) = InThreads(tool, arguments, threads, needed);
        var command = new ChildCommand(tool, arguments, directory, limits, _ => { }) { InputBytes = extent.End };
        return children.StartFilterAsync(command, input, cancellationToken);
    }

    /// <summary>
    /// How many threads a program may use, and the memory of all of them. More than one takes a share of the memory only, so that
    /// other imports need not wait for one that could do with less.
    /// </summary>
    private (long Threads, long MemoryBytes) Plan(Tool tool, Extent extent)
    {
        var needed = extent.MemoryBytes + BufferMemoryBytes;
        var most = Math.Min(MaxProgramBytes, memory.TotalBytes);
        if (needed > most) throw TooMuchMemory(tool, needed);
        if (extent.Blocks < 2 || (tool == Tool.Bzip2 && tools.TryGet(Tool.Lbzip2) is null)) return (1, needed);
        var forEach = extent.BlockBytes + extent.MemoryBytes;
        var threads = Math.Min(Math.Min(extent.Blocks, Environment.ProcessorCount), ((most / 4) - needed) / forEach);
        return threads < 2 ? (1, needed) : (threads, needed + (threads * forEach));
    }

    private static (Tool Tool, IReadOnlyList<string> Arguments) InThreads(
        Tool tool, IReadOnlyList<string> arguments, long threads, long memoryBytes) => tool switch
        {
            // bzip2 itself has one only.
            Tool.Bzip2 => (Tool.Lbzip2, [.. arguments, $"-n{threads}"]),
            _ => (tool, [.. arguments, $"--threads={threads}", $"--memlimit-mt-decompress={memoryBytes}"]),
        };

    private ImportException TooMuchMemory(Tool tool, long needed) => new(
        ImportError.CompressionUnsupported,
        $"Unpacking the image takes {needed} bytes of memory, more memory than is allowed ({Math.Min(MaxProgramBytes, memory.TotalBytes)} "
        + "bytes). Compress it with a smaller window or dictionary, or give the pod more memory (Import:MaxMemoryBytes).",
        ("compression", ToolPaths.NameOf(tool)),
        ("needed", needed));
}
