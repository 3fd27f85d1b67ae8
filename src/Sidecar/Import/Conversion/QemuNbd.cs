using Microsoft.Extensions.Options;
using Sidecar.Import.Core;
using Sidecar.Import.Disks;
using Sidecar.Import.Processes;
using Sidecar.Import.Settings;
using Sidecar.Import.Tools;

namespace Sidecar.Import.Conversion;

/// <summary>Starts qemu-nbd over an image: read-only, for one client, on a socket in a directory of its own.</summary>
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
        // A daemon that was killed leaves one.
        if (Directory.Exists(directory)) Directory.Delete(directory, recursive: true);
        Directory.CreateDirectory(directory, OwnDirectory);
        try
        {
            var server = await runner.StartServerAsync(Command(path, format, directory), cancellationToken);
            // On a thread of its own: it waits for the program, of which nobody knows how long it takes.
            return await Task.Factory.StartNew(
                () => Open(server, checkSize), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private ChildCommand Command(string path, string format, string directory)
    {
        var timeout = _options.MeasureTimeout < _options.Timeout ? _options.MeasureTimeout : _options.Timeout;
        var limits = new ChildLimits(_options.MaxMemoryBytes, _options.MaxCpuTime, 0, timeout)
        {
            PromisedBytes = _options.PromisedMemoryBytes,
        };
        string[] arguments =
        [
            "--read-only", "--socket", ChildServer.Socket, $"--cache={_options.InputCache}", .. QemuFormats.Source(path, format),
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
