using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Sidecar.Import.Conversion;
using Sidecar.Import.Core;
using Sidecar.Import.Disks;
using Sidecar.Import.Processes;
using Sidecar.Import.Processes.Limits;
using Sidecar.Import.Tools;
using Sidecar.Stores.Core;
using Sidecar.Stores.Writers;

namespace Sidecar.Stores.Writing;

/// <summary>
/// Runs one job in a process of its own, see <see cref="WriteJob"/>. It dies with the daemon and gains no privileges; it
/// is not confined as the programs of imports are, as it interprets no byte of an image and must reach the store.
/// </summary>
internal sealed class WriterProcess(
    ToolPaths tools, LauncherThread launcher, ChildMemory memory, IOptions<StoresOptions> options, TimeProvider time,
    ILogger<WriterProcess> logger)
{
    private const int OpenFiles = 4096; // a cluster's client has connections to many of its machines
    private const long HeapBytes = 256 << 20;

    private readonly StoresOptions _options = options.Value;

    /// <param name="disk">What it reads, whose promise of memory counts this process in; null: a file.</param>
    /// <param name="report">Told of the bytes that the store has taken.</param>
    /// <exception cref="StoreException">It failed, and why.</exception>
    /// <exception cref="SourceException">The disk could not be read.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; the process is dead.</exception>
    public async Task<WriteResult> RunAsync(WriteJob job, SharedDisk? disk, Action<long> report, CancellationToken cancellationToken) =>
        ToResult(await RunToEndAsync(job, disk, report, cancellationToken), disk);

    /// <summary>As <see cref="RunAsync"/>, for a job with others.</summary>
    /// <returns>How each of them ended, the job itself first; of failures the tasks have thrown what <see cref="RunAsync"/> throws.</returns>
    /// <exception cref="StoreException">The process ended before all of that was known.</exception>
    public async Task<IReadOnlyList<Task<WriteResult>>> RunJointAsync(
        WriteJob job, SharedDisk? disk, Action<long> report, CancellationToken cancellationToken)
    {
        var last = await RunToEndAsync(job, disk, report, cancellationToken);
        if (last.Each is not { } each || each.Count != job.Others!.Count + 1) return [.. job.Others!.Prepend(job).Select(_ => End(last, disk))];
        return [.. each.Select(one => End(one, disk))];
    }

    private async Task<WriteReport> RunToEndAsync(
        WriteJob job, SharedDisk? disk, Action<long> report, CancellationToken cancellationToken)
    {
        using var promise = disk is null ? await memory.TakeAsync(_options.WriterMemoryBytes + job.MoreBytes, cancellationToken) : null;
        using var process = new Process { StartInfo = Describe(HeapBytes + job.MoreBytes) };
        await StartAsync(process);
        // Whoever is cancelled, or hears nothing for too long, kills it; each report gives it new time.
        using var stalled = new CancellationTokenSource(_options.StallTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stalled.Token, cancellationToken);
        await using var killing = either.Token.Register(() => Kill(process));
        var errors = process.StandardError.ReadToEndAsync(CancellationToken.None);
        await TellAsync(process, disk is null ? job : job with { Disk = new DiskJob(disk.Directory, disk.Requests) });
        var last = await ListenAsync(process, done =>
        {
            stalled.CancelAfter(_options.StallTimeout);
            report(done);
        });
        await process.WaitForExitAsync(CancellationToken.None);
        cancellationToken.ThrowIfCancellationRequested();
        if (last is { Result: null, Failure: null, Each: null } or null)
        {
            throw Ended(process, Text.OneLine(await errors), stalled.IsCancellationRequested);
        }

        return last;
    }

    private static Task<WriteResult> End(WriteReport report, SharedDisk? disk)
    {
        try
        {
            return Task.FromResult(ToResult(report, disk));
        }
        catch (Exception failure) when (failure is StoreException or SourceException)
        {
            return Task.FromException<WriteResult>(failure);
        }
    }

    private static WriteResult ToResult(WriteReport report, SharedDisk? disk) => report switch
    {
        { Result: { } result } => result,
        { Failure: { DiskFault: { } fault } failure } when disk is not null && Enum.TryParse<NbdFault>(fault, out var known) =>
            throw new SourceException(disk.Describe(new NbdException(known, failure.Detail)), failure.IsPartLeft),
        { Failure: { } failure } => throw ToException(failure),
        _ => throw new StoreException(StoreError.StoreFailed, "The process that wrote to the store did not say how that ended."),
    };

    private ProcessStartInfo Describe(long heapBytes)
    {
        var program = OwnProgram.Path ?? throw new StoreException(
            StoreError.StoreUnsupported, "The sidecar's own program was not found, so that nothing can write to the store.");
        string[] command =
        [
            tools.Get(Tool.Prlimit), $"--nofile={OpenFiles}:{OpenFiles}", "--core=0:0",
            tools.Get(Tool.Setpriv), "--pdeathsig", "KILL", "--no-new-privs", program, WriteJob.Role,
        ];
        var start = new ProcessStartInfo(command[0], command[1..])
        {
            UseShellExecute = false, WorkingDirectory = "/",
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        start.Environment.Clear();
        start.Environment["PATH"] = ToolPaths.DefaultPath;
        start.Environment["LANG"] = "C";
        start.Environment["DOTNET_EnableDiagnostics"] = "0";
        start.Environment["DOTNET_GCHeapHardLimit"] = heapBytes.ToString("X", CultureInfo.InvariantCulture);
        if (Environment.GetEnvironmentVariable("DOTNET_ROOT") is { Length: > 0 } place) start.Environment["DOTNET_ROOT"] = place;
        return start;
    }

    private async Task StartAsync(Process process)
    {
        try
        {
            await launcher.StartAsync(process);
        }
        catch (Win32Exception failure)
        {
            throw new StoreException(
                StoreError.StoreUnreachable, "No process can be started to write to the store: try again later.")
            {
                Detail = failure.Message,
            };
        }
    }

    private static async Task TellAsync(Process process, WriteJob job)
    {
        try
        {
            await process.StandardInput.WriteLineAsync(JsonSerializer.Serialize(job, WriteJson.Default.WriteJob));
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has ended already; what it said tells why.
        }
    }

    /// <summary>Answers the last thing that it said.</summary>
    private async Task<WriteReport?> ListenAsync(Process process, Action<long> report)
    {
        WriteReport? last = null;
        while (await process.StandardOutput.ReadLineAsync(CancellationToken.None) is { } line)
        {
            try
            {
                last = JsonSerializer.Deserialize(line, WriteJson.Default.WriteReport);
                if (last?.Done is { } done) report(done);
            }
            catch (JsonException)
            {
                StoresLog.WriterSaid(logger, process.Id, Text.OneLine(line)); // a client library's own words
            }
        }

        return last;
    }

    private static StoreException ToException(WriteFailure failure)
    {
        var known = Enum.GetValues<StoreError>().Where(error => Telemetry.Reasons.Reason(error) == failure.Reason).ToList();
        return new StoreException(known is [var error] ? error : StoreError.StoreFailed, failure.Message)
        {
            Detail = failure.Detail, IsPartLeft = failure.IsPartLeft,
        };
    }

    private StoreException Ended(Process process, string said, bool isStalled) => new(
        StoreError.StoreUnreachable,
        isStalled
            ? $"The store has taken nothing for {_options.StallTimeout.TotalSeconds:F0} seconds (Stores:StallTimeout): it does not answer, or "
              + "is full, upon which Ceph lets writers wait. Import the image again when it works."
            : "The process that wrote to the store has ended. Import the image again.",
        ("exit_code", process.ExitCode))
    {
        Detail = said,
    };

    private static void Kill(Process process)
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (Exception failure) when (failure is InvalidOperationException or Win32Exception or AggregateException)
        {
            // It ended between the look at it and the signal.
        }
    }
}
