using Sidecar.Import.Processes.Limits;
using Sidecar.Import.Tools;

namespace Sidecar.Import.Processes;

/// <summary>A program to run, with its arguments one by one: there is no shell that could read them.</summary>
/// <param name="OnOutput">
/// Called for each piece of standard output, in order, by one thread at a time; not for a <see cref="ChildFilter"/>.
/// </param>
internal sealed record ChildCommand(
    Tool Tool,
    IReadOnlyList<string> Arguments,
    string WorkingDirectory,
    ChildLimits Limits,
    Action<ReadOnlySpan<char>> OnOutput)
{
    /// <summary>The one file that it may read; null: none.</summary>
    public string? Input { get; init; }

    /// <summary>How much of the file on its standard input a <see cref="ChildFilter"/> gets.</summary>
    public long InputBytes { get; init; } = long.MaxValue;

    /// <summary>The one file that it may write, which is there already; null: none.</summary>
    public string? Output { get; init; }

    /// <summary>It may make sockets in its working directory, and take connections there.</summary>
    public bool Serves { get; init; }
}
