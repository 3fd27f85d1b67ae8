using System.Diagnostics;
using System.Globalization;
using Grpc.Net.Client;

namespace Sidecar.Benchmarks;

/// <summary>The daemon as a process of its own.</summary>
internal sealed class BenchPod : IDisposable
{
    private readonly Process _process;
    private readonly string _metrics;

    private BenchPod(Process process, string socket, string metrics)
    {
        _process = process;
        _metrics = metrics;
        Channel = GrpcChannel.ForAddress("unix:" + socket);
    }

    public GrpcChannel Channel { get; }

    public static async Task<BenchPod> StartAsync(string home, string name, string address, params string[] peers)
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
        var process = Process.Start(new ProcessStartInfo("dotnet", command) { RedirectStandardOutput = true })!;
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
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        var text = await http.GetStringAsync(new Uri(_metrics));
        return text.Split('\n')
            .Where(line => line.StartsWith(name, StringComparison.Ordinal) && line.Contains(labels, StringComparison.Ordinal))
            .Sum(line => double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture));
    }

    public void Dispose()
    {
        Channel.Dispose();
        _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
    }
}
