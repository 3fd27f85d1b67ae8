using System.Diagnostics;
using System.Globalization;
using NUnit.Framework;

namespace Image.Tests;

/// <summary>
/// The sidecar in a container as strict as a cluster's: read-only root without any tmpfs, no capabilities, no new
/// privileges, the image's own user, and no shell.
/// </summary>
internal sealed class SidecarContainer : IAsyncDisposable
{
    private static readonly TimeSpan StartDeadline = TimeSpan.FromSeconds(60);

    private readonly Process _podman;
    private readonly List<string> _log = [];
    private readonly Task<string> _errors;
    private Task _reading = Task.CompletedTask;

    private SidecarContainer(Process podman, string name)
    {
        (_podman, Name) = (podman, name);
        _errors = podman.StandardError.ReadToEndAsync();
    }

    public string Name { get; }

    /// <summary>Lines of its log that hold a text.</summary>
    public IReadOnlyList<string> Logged(string text)
    {
        lock (_log) return [.. _log.Where(line => line.Contains(text, StringComparison.Ordinal))];
    }

    /// <summary>Starts it and waits until it listens.</summary>
    public static async Task<SidecarContainer> StartAsync(PodVolume volume)
    {
        var name = "sidecar-" + Guid.NewGuid().ToString("N")[..8];
        string[] command =
        [
            "run", "--name", name, "--read-only", "--read-only-tmpfs=false", "--cap-drop=ALL",
            "--security-opt=no-new-privileges",
            "--volume", $"{volume.Run}:/run/glance-staging-sidecar",
            "--volume", $"{volume.Staging}:{PodVolume.StagingInside}",
            "--volume", $"{volume.Data}:/data:ro", "--volume", $"{volume.Out}:/out",
            "--volume", $"{volume.Nothing}:/usr/bin/dash:ro", "--volume", $"{volume.Nothing}:/usr/bin/bash:ro",
            BuiltImage.Name, "--Staging:Directory", PodVolume.StagingInside, "--Hosting:LocalAddress=",
            "--Hosting:OpsAddress", "127.0.0.1:0",
        ];
        var container = new SidecarContainer(BuiltImage.Store.StartPodman(command), name);
        try
        {
            await container.ListensAsync().WaitAsync(StartDeadline);
            return container;
        }
        catch
        {
            await container.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs a program in the container; no shell is between.</summary>
    public Task<string> ExecAsync(params string[] command) => BuiltImage.Store.PodmanAsync(["exec", Name, .. command]);

    /// <summary>The daemon's process, as this machine sees it.</summary>
    public async Task<int> ProcessIdAsync() => int.Parse(
        await BuiltImage.Store.PodmanAsync("inspect", "--format", "{{.State.Pid}}", Name), CultureInfo.InvariantCulture);

    /// <summary>SIGTERM, and SIGKILL after the grace period. Answers the exit code of the daemon.</summary>
    public async Task<int> StopAsync(int graceSeconds)
    {
        await BuiltImage.Store.PodmanAsync("stop", "--time", $"{graceSeconds}", Name);
        using var deadline = new CancellationTokenSource(StartDeadline);
        await _podman.WaitForExitAsync(deadline.Token);
        await _reading;
        return _podman.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        await BuiltImage.Store.TryPodmanAsync("rm", "--force", "--time", "0", Name);
        if (!_podman.HasExited) _podman.Kill();
        await _podman.WaitForExitAsync();
        await _reading;
        _podman.Dispose();
        if (TestContext.CurrentContext.Result.FailCount == 0) return;
        await TestContext.Out.WriteLineAsync(string.Join('\n', _log) + '\n' + await _errors);
    }

    private async Task ListensAsync()
    {
        while (await _podman.StandardOutput.ReadLineAsync() is { } line)
        {
            Add(line);
            if (!line.Contains("listens on", StringComparison.Ordinal)) continue;
            _reading = ReadLogAsync();
            return;
        }

        throw new AssertionException($"The container did not start:\n{string.Join('\n', _log)}\n{await _errors}");
    }

    private async Task ReadLogAsync()
    {
        while (await _podman.StandardOutput.ReadLineAsync() is { } line) Add(line);
    }

    private void Add(string line)
    {
        lock (_log) _log.Add(line);
    }
}
