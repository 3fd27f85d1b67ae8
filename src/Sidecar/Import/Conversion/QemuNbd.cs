using Microsoft.Extensions.Options;
using Sidecar.Import.Core;
using Sidecar.Import.Disks;
using Sidecar.Import.Processes;
using Sidecar.Import.Processes.Limits;
using Sidecar.Import.Settings;
using Sidecar.Import.Tools;

namespace Sidecar.Import.Conversion;

/// <summary>
/// Starts qemu-nbd over an image: read-only, on a socket in a directory of its own, for the daemon or for one more client.
/// </summary>
internal sealed class QemuNbd(ChildRunner runner, IOptions<ImportOptions> options)
{
    private const UnixFileMode OwnDirectory = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private readonly ConversionOptions _options = options.Value.Conversion;

    /// <summary>Starts it and asks it for a map of the disk. Until it is told otherwise it may take as long as that may.</summary>
    /// <param name="directory">Where its socket is to be; it is made, and removed again when this returns.</param>
    /// <param name="checkSize">Given the size of the disk, before anything else is believed.</param>
    /// <exception cref="ImportException">Tool errors and limits.</exception>
    public async Task<ServedDisk> ServeAsync(
        string path, string format, string directory, Action<long> checkSize, CancellationToken cancellationToken)
    {
        MakeDirectory(directory);
        try
        {
            return await OpenAsync(Command(path, format, directory, clients: 1, _options.PromisedMemoryBytes), checkSize, cancellationToken);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    /// <summary>
    /// As <see cref="ServeAsync"/>, for another process beside this one, which may connect as long as what is answered is not disposed.
    /// It may take as long as a conversion.
    /// </summary>
    /// <param name="besideBytes">
    /// Memory of the other process, promised together with that of the program: whoever took one and then waited for the other could
    /// wait for ever for one who does the same.
    /// </param>
    /// <exception cref="ImportException">Tool errors and limits.</exception>
    public async Task<SharedDisk> ShareAsync(
        string path, string format, string directory, Action<long> checkSize, long besideBytes, CancellationToken cancellationToken)
    {
        MakeDirectory(directory);
        try
        {
            var command = Command(path, format, directory, clients: 2, _options.PromisedMemoryBytes + besideBytes);
            var disk = await OpenAsync(command, checkSize, cancellationToken);
            disk.Allow(_options.Timeout);
            return new SharedDisk(disk, directory, _options.Coroutines);
        }
        catch
        {
            Directory.Delete(directory, recursive: true);
            throw;
        }
    }

    private static void MakeDirectory(string directory)
    {
        // A daemon that was killed leaves one.
        if (Directory.Exists(directory)) Directory.Delete(directory, recursive: true);
        Directory.CreateDirectory(directory, OwnDirectory);
    }

    private async Task<ServedDisk> OpenAsync(ChildCommand command, Action<long> checkSize, CancellationToken cancellationToken)
    {
        var server = await runner.StartServerAsync(command, cancellationToken);
        // On a thread of its own: it waits for the program, of which nobody knows how long it takes.
        return await Task.Factory.StartNew(
            () => Open(server, checkSize), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    private ChildCommand Command(string path, string format, string directory, int clients, long promisedBytes)
    {
        var timeout = _options.MeasureTimeout < _options.Timeout ? _options.MeasureTimeout : _options.Timeout;
        var limits = new ChildLimits(_options.MaxMemoryBytes, _options.MaxCpuTime, 0, timeout) { PromisedBytes = promisedBytes };
        string[] arguments =
        [
            "--read-only", "--socket", ChildServer.Socket, $"--shared={clients}", $"--cache={_options.InputCache}",
            .. QemuFormats.Source(path, format),
        ];
        return new ChildCommand(Tool.QemuNbd, arguments, directory, limits, _ => { }) { Input = path, Serves = true };
    }

    private static ServedDisk Open(ChildServer server, Action<long> checkSize)
    {
        NbdConnection? connection = null;
        try
        {
            var socket = server.Connect() ?? throw new NbdException(NbdFault.Lost, "It has ended.");
            connection = NbdConnection.Open(socket);
            checkSize(connection.Export.Size);
            return new ServedDisk(server, connection, DiskMapReader.Read(connection));
        }
        catch (Exception failure)
        {
            connection?.Dispose();
            using (server)
            {
                if (failure is NbdException of) throw ServedDisk.Describe(server, of);
                throw;
            }
        }
    }
}
