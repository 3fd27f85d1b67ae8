using Sidecar.Import.Core;
using Sidecar.Import.Disks;
using Sidecar.Import.Processes;
using Sidecar.Import.Tools;

namespace Sidecar.Import.Conversion;

/// <summary>A disk in an image, as a program serves it that runs until this is disposed.</summary>
internal sealed class ServedDisk(ChildServer server, NbdConnection connection, DiskMap map) : IDisposable
{
    public DiskMap Map { get; } = map;

    /// <summary>From now on the program may take so long.</summary>
    public void Allow(TimeSpan timeout) => server.Allow(timeout);

    /// <param name="requests">Reads in flight.</param>
    public DiskReader Read(int requests) => new(connection, Map, requests);

    /// <summary>Whoever does not read for a while finds out here that it is over.</summary>
    /// <exception cref="NbdException">The program took too long, or the import was cancelled.</exception>
    public void CheckRunning()
    {
        if (server.IsStopped) throw new NbdException(NbdFault.Lost, "It was stopped.");
    }

    /// <summary>Lets the program end, and does not wait for it.</summary>
    public void LetEnd() => connection.TryDisconnect();

    /// <summary>Waits for the end of the program. How it ended does not matter any more.</summary>
    /// <exception cref="OperationCanceledException">Cancelled; the program is dead.</exception>
    public void Finish() => _ = server.Finish();

    /// <exception cref="OperationCanceledException">Cancelled; the program is dead.</exception>
    public ImportException Describe(NbdException failure)
    {
        connection.Shutdown();
        return Describe(server, failure);
    }

    /// <summary>Waits for the end of a program that served wrongly, and says for the user what happened.</summary>
    /// <exception cref="OperationCanceledException">Cancelled; the program is dead.</exception>
    public static ImportException Describe(ChildServer server, NbdException failure)
    {
        var outcome = server.Finish();
        if (failure.Fault == NbdFault.Lost || server.IsStopped) return server.Describe(outcome);
        var said = $"{outcome.ErrorText} {failure.Message}";
        return failure.Fault == NbdFault.Refused
            ? ToolFailures.DescribeRefusal(Tool.QemuNbd, outcome with { ErrorText = said })
            : ToolFailures.DescribeNonsense(Tool.QemuNbd, said);
    }

    public void Dispose()
    {
        connection.Dispose();
        server.Dispose();
    }
}
