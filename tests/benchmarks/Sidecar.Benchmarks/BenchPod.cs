using System.Diagnostics;
using System.Globalization;
using Grpc.Net.Client;

namespace Sidecar.Benchmarks;

/// <summary>The daemon as a process of its own.</summary>
internal sealed class BenchPod : IDisposable
{
    private readonly Process _process;
    private readonly string _metrics;
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false });

    private BenchPod(Process process, string socket, string metrics)
    {
        _process = process;
        _metrics = metrics;
        Channel = GrpcChannel.ForAddress("unix:" + socket);
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
            Path.Combine(AppContext.BaseDirectory, "Sidecar.dll"),
            "--Staging:Directory", Path.Combine(home, "staging"), "--Staging:PodName", name,
            "--Hosting:SocketPath", socket, "--Hosting:LocalAddress", "", "--Hosting:OpsAddress", "127.0.0.1:0",
            "--Peers:Address", address, "--Peers:AllowPlaintext", "true",
            .. peers.SelectMany((peer, index) => (string[])[Numbers.Text($"--Peers:Static:{index}"), peer]),
        ];
        var start = new ProcessStartInfo("dotnet", command) { RedirectStandardOutput = true };
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

    public void Dispose()
    {
        _http.Dispose();
        Channel.Dispose();
        _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
    }
}
