using System.Diagnostics;
using System.Globalization;
using Glance.Sidecar.V1;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using ImportState = Glance.Sidecar.V1.Import.Types.State;
using StagingApi = Glance.Sidecar.V1.Staging;

namespace Sidecar.Benchmarks;

/// <summary>The daemon as a process of its own, as shipped.</summary>
internal sealed class BenchPod : IPod, IDisposable
{
    /// <summary>Names the program of the daemon.</summary>
    private const string ProgramVariable = "BENCH_SIDECAR";

    private readonly Process _process;
    private readonly string _metrics;
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false });

    private BenchPod(Process process, string socket, string metrics)
    {
        _process = process;
        _metrics = metrics;
        Channel = SocketChannel.Open(socket);
    }

    public GrpcChannel Channel { get; }

    /// <summary>User and system time of the daemon.</summary>
    public TimeSpan CpuTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    public static Task<BenchPod> StartAsync(string home, string name, string address, params string[] peers) =>
        StartAsync(home, name, address, [], peers);

    public static async Task<BenchPod> StartAsync(
        string home, string name, string address, (string Name, string Value)[] environment, params string[] peers)
    {
        Directory.CreateDirectory(home);
        var socket = Path.Combine(home, "s");
        string[] command =
        [
            "--Staging:Directory", Path.Combine(home, "staging"), "--Staging:PodName", name,
            "--Hosting:SocketPath", socket, "--Hosting:LocalAddress", "", "--Hosting:OpsAddress", "127.0.0.1:0",
            "--Peers:Address", address, "--Peers:AllowPlaintext", "true",
            .. peers.SelectMany((peer, index) => (string[])[Numbers.Text($"--Peers:Static:{index}"), peer]),
        ];
        var program = Environment.GetEnvironmentVariable(ProgramVariable)
            ?? throw new InvalidOperationException($"{ProgramVariable} has to name the daemon's program, as eng/publish makes it.");
        var start = new ProcessStartInfo(program, command) { RedirectStandardOutput = true };
        foreach (var (variable, value) in environment) start.Environment[variable] = value;
        var process = Process.Start(start)!;
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            // The line names the ops listener last.
            if (!line.Contains("listens on", StringComparison.Ordinal)) continue;
            var at = line.LastIndexOf("http://127.0.0.1:", StringComparison.Ordinal);
            var metrics = string.Concat(line[at..].TakeWhile(c => c is not ('"' or ' ' or ','))) + "/metrics";
            _ = process.StandardOutput.ReadToEndAsync();
            return new BenchPod(process, socket, metrics);
        }

        throw new InvalidOperationException($"{name} did not start.");
    }

    /// <summary>Stages a file; answers the image's id.</summary>
    public async Task<string> StageAsync(string path)
    {
        var imageId = Guid.NewGuid().ToString("D");
        using var call = new StagingApi.StagingClient(Channel).Stage();
        await call.RequestStream.WriteAsync(new StageRequest { Header = new StageHeader { ImageId = imageId } });
        await using var file = File.OpenRead(path);
        var buffer = new byte[512 << 10];
        while (await file.ReadAsync(buffer) is > 0 and var read)
        {
            var chunk = new StageChunk { Data = ByteString.CopyFrom(buffer.AsSpan(0, read)) };
            await call.RequestStream.WriteAsync(new StageRequest { Chunk = chunk });
        }

        await call.RequestStream.WriteAsync(new StageRequest { Finish = new StageFinish { TotalSize = (ulong)file.Length } });
        await call.RequestStream.CompleteAsync();
        await call.ResponseAsync;
        return imageId;
    }

    /// <summary>Runs an import to its end and gives up its result; answers how many seconds the import took.</summary>
    public async Task<double> ImportAsync(RunImportRequest request)
    {
        var imports = new Imports.ImportsClient(Channel);
        var started = Stopwatch.GetTimestamp();
        using var call = imports.RunImport(request);
        var last = new ImportEvent();
        await foreach (var progress in call.ResponseStream.ReadAllAsync()) last = progress;
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        if (last.Import?.State != ImportState.Succeeded) throw new InvalidOperationException($"It failed: {last}");
        await imports.ReleaseImportAsync(new ReleaseImportRequest { ImportId = request.ImportId, KeepImage = true });
        return seconds;
    }

    /// <summary>The sum of a counter over all its labels that contain a text.</summary>
    public async Task<double> CounterAsync(string name, string labels)
    {
        var text = await ScrapeAsync();
        return text.Split('\n')
            .Where(line =>
                line.StartsWith(name, StringComparison.Ordinal) && line.Contains(labels, StringComparison.Ordinal))
            .Sum(line => double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture));
    }

    /// <summary>The page of metrics.</summary>
    public Task<string> ScrapeAsync() => _http.GetStringAsync(new Uri(_metrics));

    // What is measured comes after calls that connect it.
    public Task ReadyAsync() => Task.CompletedTask;

    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }

    public void Dispose()
    {
        _http.Dispose();
        Channel.Dispose();
        _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
    }
}
