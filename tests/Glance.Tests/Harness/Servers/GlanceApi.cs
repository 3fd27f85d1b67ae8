using System.Globalization;

namespace Glance.Tests.Harness.Servers;

/// <summary>One pod's glance-api. It keeps its address over restarts.</summary>
internal sealed class GlanceApi(Uri address, IApiServer server) : IAsyncDisposable
{
    public const int Port = 9292;

    private readonly List<string> _oldLog = [];
    private Command? _running;

    public Uri Address => address;

    public bool Runs => _running is { HasExited: false };

    /// <summary>Everything that it logged, also before it was restarted.</summary>
    public IReadOnlyList<string> Log => [.. _oldLog, .. _running?.Log ?? []];

    /// <summary>Under gunicorn: the process that serves and runs imports; its parent only starts it.</summary>
    public int Worker => _running!.Log.Where(line => line.Contains(Gunicorn.Booting, StringComparison.Ordinal))
        .Select(line => int.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture)).Last();

    /// <summary>The processes of it that run.</summary>
    public IReadOnlyList<int> Processes => _running!.Tree();

    /// <summary>Starts it and waits until it answers.</summary>
    public async Task StartAsync()
    {
        _running = server.Start();
        try
        {
            await Probe.AnswersAsync(address, () => Runs);
        }
        catch (Exception failure)
        {
            throw new InvalidOperationException(string.Join('\n', _running.Log.TakeLast(80)), failure);
        }
    }

    /// <summary>SIGKILL to all of it, in mid-work.</summary>
    public async Task KillAsync()
    {
        await _running!.KillAsync();
        await StopAsync();
    }

    /// <summary>Ends it as a rollout does.</summary>
    public async Task StopAsync()
    {
        if (_running is null) return;
        await _running.DisposeAsync();
        _oldLog.AddRange(_running.Log);
        _running = null;
    }

    public async ValueTask DisposeAsync() => await StopAsync();
}
