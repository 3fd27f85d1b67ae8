using System.Globalization;

namespace Glance.Tests.Harness;

/// <summary>One pod's glance-api under gunicorn with native threads. It keeps its address over restarts.</summary>
/// <param name="tools">Directory of programs that come before the system's.</param>
internal sealed class GlanceApi(string address, string configuration, string pythonPath, string tools)
    : IAsyncDisposable
{
    public const int Port = 9292;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private const string Booting = "Booting worker with pid: ";

    private readonly List<string> _oldLog = [];
    private Command? _server;

    public Uri Address { get; } = new($"http://{address}:{Port}");

    public bool Runs => _server is { HasExited: false };

    /// <summary>Everything that it logged, also before it was restarted.</summary>
    public IEnumerable<string> Log => [.. _oldLog, .. _server?.Log ?? []];

    /// <summary>The process that serves requests and runs imports; its parent only starts it.</summary>
    public int Worker => _server!.Log.Where(line => line.Contains(Booting, StringComparison.Ordinal))
        .Select(line => int.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture)).Last();

    /// <summary>Starts it and waits until it answers.</summary>
    public async Task StartAsync()
    {
        _server = Command.Start(
            ["/usr/bin/python3", "/usr/bin/gunicorn", "--worker-class", "gthread", "--threads", "12", "--workers", "1",
            "--bind", $"{address}:{Port}", "--timeout", "300", "--access-logfile", "-", "glance.common.wsgi_app:init_app()"],
            ("OS_GLANCE_CONFIG_DIR", configuration), ("PYTHONPATH", pythonPath),
            ("PATH", $"{tools}:{Environment.GetEnvironmentVariable("PATH")}"));
        await _server.LoggedAsync(line => line.Contains(Booting, StringComparison.Ordinal), Patience);
        await Probe.AnswersAsync(Address, () => Runs);
    }

    /// <summary>SIGKILL to all of it, in mid-work.</summary>
    public async Task KillAsync()
    {
        await _server!.KillAsync();
        _oldLog.AddRange(_server.Log);
        await _server.DisposeAsync();
        _server = null;
    }

    /// <summary>Ends it as a rollout does.</summary>
    public async Task StopAsync()
    {
        if (_server is null) return;
        await _server.DisposeAsync();
        _oldLog.AddRange(_server.Log);
        _server = null;
    }

    public async ValueTask DisposeAsync() => await StopAsync();
}
