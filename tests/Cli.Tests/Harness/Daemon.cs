using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.RegularExpressions;
using Glance.Sidecar.V1;
using Grpc.Net.Client;

namespace Stagectl.Tests.Harness;

/// <summary>The real daemon on a Unix socket in the test's directory; killed at the end of the test.</summary>
internal sealed partial class Daemon : IAsyncDisposable
{
    private const string Ready = "listens on";

    private readonly TempDirectory _directory;
    private readonly string[] _settings;
    private readonly ConcurrentQueue<string> _log = new();
    private readonly SemaphoreSlim _lines = new(0);
    private readonly GrpcChannel _channel;
    private Process _process;
    private Task _reading = Task.CompletedTask;

    private Daemon(TempDirectory directory, string[] settings)
    {
        _directory = directory;
        _settings = settings;
        _channel = SocketChannel.Open(directory["s.sock"]);
        Staging = new Staging.StagingClient(_channel);
        _process = Launch();
    }

    public Staging.StagingClient Staging { get; }

    public string SocketPath => _directory["s.sock"];

    public string Address => "unix:" + SocketPath;

    /// <summary>Where users' requests come in, of a daemon that was given an ingest.</summary>
    public Uri Ingest => new(TcpAddress().Match(_log.Last(line => line.Contains(Ready, StringComparison.Ordinal))).Value);

    public static async Task<Daemon> StartAsync(
        TempDirectory directory, CancellationToken cancellationToken, params string[] settings)
    {
        var daemon = new Daemon(directory, settings);
        await daemon.WaitUntilReadyAsync(cancellationToken);
        return daemon;
    }

    /// <summary>Ends it as a crash would.</summary>
    public async Task KillAsync(CancellationToken cancellationToken)
    {
        _process.Kill();
        await _process.WaitForExitAsync(cancellationToken);
    }

    public async Task RestartAsync(CancellationToken cancellationToken)
    {
        await _reading;
        _process.Dispose();
        _process = Launch();
        await WaitUntilReadyAsync(cancellationToken);
    }

    /// <summary>Waits until the sidecar holds this much of an upload.</summary>
    public async Task WaitForOffsetAsync(string imageId, ulong offset, CancellationToken cancellationToken)
    {
        while (true)
        {
            using var call = Staging.ListUploads(new ListUploadsRequest(), cancellationToken: cancellationToken);
            while (await call.ResponseStream.MoveNext(cancellationToken))
            {
                var upload = call.ResponseStream.Current;
                if (upload.ImageId == imageId && upload.ReceivedOffset >= offset) return;
            }

            // Without a pause the processors would be busy with being asked.
            await Task.Delay(TimeSpan.FromMilliseconds(20), cancellationToken);
        }
    }

    /// <summary>Waits until a line of the log contains the text.</summary>
    public async Task LoggedAsync(string text, CancellationToken cancellationToken)
    {
        do await _lines.WaitAsync(cancellationToken);
        while (!_log.Any(line => line.Contains(text, StringComparison.Ordinal)));
    }

    public async ValueTask DisposeAsync()
    {
        _channel.Dispose();
        if (!_process.HasExited) _process.Kill();
        await _reading;
        _lines.Dispose();
        _process.Dispose();
        if (NUnit.Framework.TestContext.CurrentContext.Result.FailCount > 0)
        {
            foreach (var line in _log) await NUnit.Framework.TestContext.Out.WriteLineAsync(line);
        }
    }

    private Process Launch() => Programs.Start(
        "Sidecar",
        [
            "--Staging:Directory", _directory["staging"],
            "--Hosting:SocketPath", SocketPath,
            "--Hosting:LocalAddress=", "--Hosting:OpsAddress=",
            // A full disk of the machine that tests is not what is tested.
            "--Staging:LowWatermarkPercent", "0", "--Staging:HighWatermarkPercent", "0",
            .. _settings,
        ]);

    private async Task WaitUntilReadyAsync(CancellationToken cancellationToken)
    {
        while (await _process.StandardOutput.ReadLineAsync(cancellationToken) is { } line)
        {
            Add(line);
            if (!line.Contains(Ready, StringComparison.Ordinal)) continue;
            _reading = ReadLogAsync(_process);
            return;
        }

        throw new InvalidOperationException(
            "The daemon did not start: " + await _process.StandardError.ReadToEndAsync(cancellationToken));
    }

    private async Task ReadLogAsync(Process process)
    {
        // Or it would block once the pipe is full.
        while (await process.StandardOutput.ReadLineAsync() is { } line) Add(line);
    }

    [GeneratedRegex(@"https?://(?!unix:)[^\s,""]+")]
    private static partial Regex TcpAddress();

    private void Add(string line)
    {
        _log.Enqueue(line);
        _lines.Release();
    }
}
