using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Chart.Tests.Rendering;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure.Network;

namespace Chart.Tests.Harness;

/// <summary>
/// The real webhook, started with the arguments and the files that the chart gives it: only paths are moved into a directory of the
/// test's, and ports left to the kernel. Trusts and is asked as by an API server.
/// </summary>
internal sealed class WebhookProcess : IAsyncDisposable
{
    public const string Name = "glance-staging-webhook.openstack.svc";

    private const int ListeningEvent = 7000;

    private readonly string _root = Directory.CreateTempSubdirectory("chart-webhook-").FullName;
    private readonly ConcurrentQueue<string> _log = new();
    private readonly TaskCompletionSource<Uri[]> _listening = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TestAuthority _authority = new();
    private Process? _process;

    /// <summary>What it writes.</summary>
    public IEnumerable<string> Log => _log;

    public Uri Reviews { get; private set; } = null!;

    public Uri Ops { get; private set; } = null!;

    private string Tls => Directory.CreateDirectory(Path.Combine(_root, "tls")).FullName;

    /// <param name="more">Arguments beside the chart's.</param>
    public static async Task<WebhookProcess> StartAsync(string set, string[] more, CancellationToken cancellationToken)
    {
        var manifests = await Renderer.ManifestsAsync(set);
        var container = manifests.Get("Deployment")["spec"]!["template"]!["spec"]!["containers"]![0]!;
        var webhook = new WebhookProcess();
        webhook.Issue();
        var files = manifests.WebhookFiles!;
        await File.WriteAllTextAsync(webhook.PathOf("webhook.json"), webhook.Moved(files["webhook.json"].Text()), cancellationToken);
        await File.WriteAllTextAsync(webhook.PathOf("injection.json"), files["injection.json"].Text(), cancellationToken);
        string[] words = [.. container["command"]!.AsArray().Skip(1).Concat(container["args"]!.AsArray()).Select(word => webhook.Moved(word.Text()))];
        await webhook.RunAsync([.. words, .. more], cancellationToken);
        return webhook;
    }

    /// <summary>Gives it a new certificate, as cert-manager does, and returns that one's serial number.</summary>
    public string Issue()
    {
        var certificate = _authority.Issue(Name);
        File.WriteAllText(Path.Combine(Tls, "tls.crt"), _authority.ChainPem(certificate));
        File.WriteAllText(Path.Combine(Tls, "tls.key"), TestAuthority.KeyPem(certificate));
        return certificate.SerialNumber;
    }

    /// <summary>Asks over a connection of its own.</summary>
    /// <param name="shown">Told the serial number of the certificate that it shows.</param>
    public async Task<HttpResponseMessage> AskAsync(HttpContent content, Action<string> shown, CancellationToken cancellationToken)
    {
        using var handler = new SocketsHttpHandler();
        handler.SslOptions.TargetHost = Name;
        handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, _, _) =>
        {
            var leaf = (System.Security.Cryptography.X509Certificates.X509Certificate2)certificate!;
            shown(leaf.SerialNumber);
            return _authority.Issued(leaf) && leaf.MatchesHostname(Name);
        };
        using var client = new HttpClient(handler);
        return await client.PostAsync(new Uri(Reviews, "/inject?timeout=5s"), content, cancellationToken);
    }

    /// <summary>The answer to a review.</summary>
    public async Task<JsonNode> ReviewAsync(JsonNode review, CancellationToken cancellationToken)
    {
        using var response = await AskAsync(JsonContent.Create(review), _ => { }, cancellationToken);
        Assert.That((int)response.StatusCode, Is.EqualTo(200), string.Join('\n', _log));
        return JsonNode.Parse(await response.Content.ReadAsStringAsync(cancellationToken))!;
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is { HasExited: false }) _process.Kill(entireProcessTree: true);
        if (_process is not null) await _process.WaitForExitAsync();
        _process?.Dispose();
        _authority.Dispose();
        Directory.Delete(_root, recursive: true);
    }

    private async Task RunAsync(string[] words, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "Sidecar.dll"), .. words])
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        };
        _process = Process.Start(start)!;
        _process.OutputDataReceived += (_, line) => Read(line.Data);
        _process.ErrorDataReceived += (_, line) => Read(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        _process.EnableRaisingEvents = true;
        _process.Exited += (_, _) => _listening.TrySetException(new AssertionException("It ended: " + string.Join('\n', _log)));
        var addresses = await _listening.Task.WaitAsync(cancellationToken);
        (Reviews, Ops) = (addresses.Single(address => address.Scheme == "https"), addresses.Single(address => address.Scheme == "http"));
    }

    private string PathOf(string file) => Path.Combine(Directory.CreateDirectory(Path.Combine(_root, "config")).FullName, file);

    private string Moved(string text) => System.Text.RegularExpressions.Regex.Replace(
        text.Replace("/etc/glance-staging-sidecar", _root, StringComparison.Ordinal), @"""\*:\d+""", "\"*:0\"");

    private void Read(string? line)
    {
        if (line is null) return;
        _log.Enqueue(line);
        if (!line.Contains($"\"EventId\":{ListeningEvent},", StringComparison.Ordinal)) return;
        using var entry = JsonDocument.Parse(line);
        var addresses = entry.RootElement.GetProperty("State").GetProperty("Addresses").GetString()!;
        _listening.TrySetResult(
            [.. addresses.Split(", ").Select(address => new Uri(address.Replace("[::]", "127.0.0.1", StringComparison.Ordinal)))]);
    }
}
