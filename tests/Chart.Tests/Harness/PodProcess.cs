using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Chart.Tests.Rendering;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure.Network;

namespace Chart.Tests.Harness;

/// <summary>
/// The real daemon, started with the arguments, the environment and the mounted files that the chart gives to its
/// container: only paths are moved into a directory of the test's, and ports left to the kernel.
/// </summary>
internal sealed class PodProcess : IAsyncDisposable
{
    private const string Pod = "glance-0";
    private const int ListeningEvent = 5000;

    // The socket's directory begins like the volume's.
    private static readonly string[] Mounts = ["/etc/glance-staging-sidecar", "/var/lib/glance"];

    private readonly string _root = Directory.CreateTempSubdirectory("chart-pod-").FullName;
    private readonly ConcurrentQueue<string> _log = new();
    private readonly TaskCompletionSource<string[]> _listening = new();
    private readonly JsonNode _container;
    private Process? _process;

    private PodProcess(JsonNode container) => _container = container;

    /// <summary>As the daemon logged them.</summary>
    public IReadOnlyList<Uri> Addresses { get; private set; } = [];

    public string StagingDirectory => Path.Combine(_root, "var/lib/glance/os_glance_staging_store");

    public static async Task<PodProcess> StartAsync(string set, CancellationToken cancellationToken)
    {
        var manifests = await Renderer.ManifestsAsync(set);
        var pod = new PodProcess(await manifests.ContainerAsync());
        await pod.MountAsync(manifests);
        var arguments = pod.Words("command").Skip(1).Concat(pod.Words("args"));
        var start = pod.Command(Path.Combine(AppContext.BaseDirectory, "Sidecar.dll"), arguments);
        pod._process = Process.Start(start)!;
        pod._process.OutputDataReceived += (_, line) => pod.Read(line.Data);
        pod._process.ErrorDataReceived += (_, line) => pod.Read(line.Data);
        pod._process.BeginOutputReadLine();
        pod._process.BeginErrorReadLine();
        pod._process.EnableRaisingEvents = true;
        pod._process.Exited += (_, _) => pod._listening.TrySetException(new AssertionException("It ended."));
        try
        {
            pod.Addresses = [.. (await pod._listening.Task.WaitAsync(cancellationToken))
                .Select(address => new Uri(address.Replace("[::]", "127.0.0.1", StringComparison.Ordinal)))];
            return pod;
        }
        catch (AssertionException)
        {
            await pod._process.WaitForExitAsync(cancellationToken); // its last lines
            await pod.DisposeAsync();
            throw new AssertionException("The daemon did not start:\n" + string.Join('\n', pod._log));
        }
    }

    /// <summary>Runs the preStop hook to its end.</summary>
    public Task<(int Exit, string Output, string Error)> PreStopAsync()
    {
        var hook = Words(_container["lifecycle"]!["preStop"]!["exec"]!["command"]!).ToArray();
        Assert.That(Path.GetFileName(hook[0]), Is.EqualTo("stagectl"));
        return Chart.Tests.Harness.Command.RunAsync(Command(Repository.Metadata("stagectl"), hook[1..]));
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is { HasExited: false }) _process.Kill(entireProcessTree: true);
        if (_process is not null) await _process.WaitForExitAsync();
        _process?.Dispose();
        Directory.Delete(_root, recursive: true);
    }

    private async Task MountAsync(Manifests manifests)
    {
        foreach (var mount in _container["volumeMounts"]!.AsArray())
            Directory.CreateDirectory(Moved(mount!["mountPath"].Text()));
        var config = Regex.Replace(manifests.Config, @"""\*:\d+""", "\"*:0\"");
        await File.WriteAllTextAsync(
            Path.Combine(_root, "etc/glance-staging-sidecar/config/sidecar.json"), Moved(config));
        await CertifyAsync("tls", CertificateName(manifests));
        await CertifyAsync("ingest-tls", "glance.example.org");
    }

    private async Task CertifyAsync(string mount, string name)
    {
        var tls = Path.Combine(_root, "etc/glance-staging-sidecar", mount);
        if (!Directory.Exists(tls)) return;
        using var authority = new TestAuthority();
        var certificate = authority.Issue(name);
        await File.WriteAllTextAsync(Path.Combine(tls, "tls.crt"), authority.ChainPem(certificate));
        await File.WriteAllTextAsync(Path.Combine(tls, "tls.key"), TestAuthority.KeyPem(certificate));
        await File.WriteAllTextAsync(Path.Combine(tls, "ca.crt"), authority.RootPem);
    }

    private static string CertificateName(Manifests manifests) => 
        manifests.Certificate?["dnsNames"]![0].Text() ?? "*.glance-staging.openstack.svc";

    private ProcessStartInfo Command(string program, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo("dotnet", [program, .. arguments])
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        };
        foreach (var variable in _container["env"]!.AsArray())
        {
            start.Environment[variable!["name"].Text()] = Moved(ValueOf(variable));
        }

        return start;
    }

    private static string ValueOf(JsonNode variable)
    {
        if (variable["value"] is { } value) return value.Text();
        Assert.That(variable["valueFrom"]!["fieldRef"]!["fieldPath"].Text(), Is.EqualTo("metadata.name"));
        return Pod;
    }

    private IEnumerable<string> Words(string list) => Words(_container[list]!);

    private IEnumerable<string> Words(JsonNode list) => list.AsArray().Select(word => Moved(word.Text()));

    private string Moved(string text) => Mounts.Aggregate(
        text, (moved, path) => moved.Replace(path, _root + path, StringComparison.Ordinal));

    private void Read(string? line)
    {
        if (line is null) return;
        _log.Enqueue(line);
        if (!line.Contains($"\"EventId\":{ListeningEvent},", StringComparison.Ordinal)) return;
        using var entry = JsonDocument.Parse(line);
        var addresses = entry.RootElement.GetProperty("State").GetProperty(nameof(Addresses)).GetString()!;
        _listening.TrySetResult(addresses.Split(", "));
    }
}
