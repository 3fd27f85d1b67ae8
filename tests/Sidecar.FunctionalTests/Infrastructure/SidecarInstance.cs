using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using Glance.Sidecar.V1;
using Grpc.Core.Interceptors;
using Grpc.Net.Client;
using NUnit.Framework;
using Sidecar.Peers.Calls;

namespace Sidecar.FunctionalTests.Infrastructure;

/// <summary>
/// The real daemon as a process of its own, on a staging directory of its own. An Error in its log that the test did
/// not announce fails the test.
/// </summary>
internal sealed class SidecarInstance : IAsyncDisposable
{
    private static readonly TimeSpan StartDeadline = TimeSpan.FromMinutes(3); // a machine that does much else too

    private const int ListeningEvent = 5000;

    private readonly Process _process;
    private readonly TaskCompletionSource<string> _listening = new();
    private readonly ConcurrentQueue<string> _log = new();
    private readonly string _socket;
    private TaskCompletionSource _nextLine = NewSignal();
    private readonly ConcurrentBag<GrpcChannel> _uploads = [];
    private GrpcChannel? _channel;

    private SidecarInstance(string[] launcher, string directory, string[] settings)
    {
        _socket = Path.Combine(directory, "sidecar.sock");
        string[] command =
        [
            .. launcher, .. Program,
            "--Staging:Directory", Path.Combine(directory, "staging"), "--Hosting:SocketPath", _socket,
            "--Hosting:LocalAddress", "127.0.0.1:0", "--Hosting:OpsAddress", "127.0.0.1:0", .. settings,
        ];
        var start = new ProcessStartInfo(command[0], command[1..])
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        };
        _process = Process.Start(start)!;
        _process.OutputDataReceived += (_, line) => Read(line.Data);
        _process.ErrorDataReceived += (_, line) => Read(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>The daemon as a command: the one that <c>TEST_SIDECAR</c> names, else the one built here.</summary>
    public static IReadOnlyList<string> Program { get; } =
        Environment.GetEnvironmentVariable("TEST_SIDECAR") is { Length: > 0 } shipped
            ? [shipped]
            :
            [
                Environment.ProcessPath is { } host && Path.GetFileName(host) == "dotnet" ? host : "dotnet",
                Path.Combine(AppContext.BaseDirectory, "Sidecar.dll"),
            ];

    /// <summary>Errors in the log are expected, as the test breaks something.</summary>
    public bool ExpectsErrors { get; set; }

    public string Socket => _socket;

    // As peers and stagectl call it: a write that fails tells the status of the call.
    public Glance.Sidecar.V1.Staging.StagingClient Staging => new(Channel.Intercept(new StatusOfWrites()));

    /// <summary>
    /// As <see cref="Staging"/>, over a connection of its own each time: .NET's client may send a frame of an upload that is refused or
    /// broken off after it has reset its stream, for which a server closes the connection with all other calls on it.
    /// </summary>
    public Glance.Sidecar.V1.Staging.StagingClient Uploads
    {
        get
        {
            var channel = SocketChannel.Open(_socket);
            _uploads.Add(channel);
            return new(channel.Intercept(new StatusOfWrites()));
        }
    }

    public Imports.ImportsClient Imports => new(Channel);

    public Glance.Sidecar.V1.Peers.PeersClient Peers => new(Channel);

    public GrpcChannel Channel => _channel ??= SocketChannel.Open(_socket);

    public int ProcessId => _process.Id;

    public IEnumerable<string> Log => _log;

    public static Task<SidecarInstance> StartAsync(string directory, params string[] settings) =>
        StartUnderAsync([], directory, settings);

    /// <param name="launcher">A command that becomes the daemon, such as one that enters a network namespace.</param>
    public static async Task<SidecarInstance> StartUnderAsync(string[] launcher, string directory, params string[] settings)
    {
        var instance = new SidecarInstance(launcher, directory, settings);
        try
        {
            var addresses = await instance._listening.Task.WaitAsync(StartDeadline);
            instance.Addresses = addresses.Split(", ");
            return instance;
        }
        catch (TimeoutException)
        {
            await instance.DisposeAsync();
            throw new AssertionException("The daemon did not start:\n" + string.Join('\n', instance._log));
        }
    }

    public IReadOnlyList<string> Addresses { get; private set; } = [];

    /// <summary>The ops listener, by its real port.</summary>
    public Uri Ops => new(Addresses[^1]);

    /// <summary>Waits until a line of the log contains the text, or so many do.</summary>
    public async Task LoggedAsync(string text, CancellationToken deadline, int times = 1)
    {
        while (true)
        {
            var next = Volatile.Read(ref _nextLine).Task;
            if (_log.Count(line => line.Contains(text, StringComparison.Ordinal)) >= times) return;
            await next.WaitAsync(deadline);
        }
    }

    public async Task<int> TerminateAsync()
    {
        Signal("TERM");
        return await ExitAsync();
    }

    public async Task KillAsync()
    {
        Signal("KILL");
        await ExitAsync();
    }

    public void Signal(string name) => Signals.Send(name, ProcessId);

    public async Task<int> ExitAsync()
    {
        using var deadline = new CancellationTokenSource(StartDeadline);
        await _process.WaitForExitAsync(deadline.Token);
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        _channel?.Dispose();
        foreach (var upload in _uploads) upload.Dispose();
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
        if (ExpectsErrors) return;
        Assert.That(_log.Where(IsError), Is.Empty, "the daemon logged errors");
    }

    private void Read(string? line)
    {
        if (line is null) return;
        _log.Enqueue(line);
        Interlocked.Exchange(ref _nextLine, NewSignal()).SetResult();
        // The last line of a daemon that is killed may be cut off anywhere.
        if (!IsEvent(line, ListeningEvent) || !line.EndsWith('}')) return;
        using var entry = JsonDocument.Parse(line);
        _listening.TrySetResult(entry.RootElement.GetProperty("State").GetProperty(nameof(Addresses)).GetString()!);
    }

    /// <summary>Whether a line of a log is of this event.</summary>
    public static bool IsEvent(string line, int id) => line.Contains($"\"EventId\":{id},", StringComparison.Ordinal);

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static bool IsError(string line) =>
        line.Contains("\"LogLevel\":\"Error\"", StringComparison.Ordinal)
        || line.Contains("\"LogLevel\":\"Critical\"", StringComparison.Ordinal)
        || line.Contains("Unhandled exception", StringComparison.Ordinal);
}
