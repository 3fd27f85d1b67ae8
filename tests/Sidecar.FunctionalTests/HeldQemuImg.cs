using System.Diagnostics;

namespace Sidecar.FunctionalTests;

/// <summary>A qemu-img whose conversions wait until the test lets them go.</summary>
internal sealed class HeldQemuImg
{
    private readonly string _started;
    private readonly string _held;

    public HeldQemuImg(TestDirectory directory)
    {
        (Tool, _started, _held) = (directory["qemu-img"], directory["started"], directory["held"]);
        using var mkfifo = Process.Start("mkfifo", [_started, _held]);
        mkfifo.WaitForExit();
        // Beside the FIFO: once released, conversions run as they should.
        File.WriteAllText(
            Tool,
            $"#!/bin/sh\n[ \"$1\" = convert ] && [ -e {_held} ] && echo $$ > {_started} && read go < {_held}\n"
            + "exec /usr/bin/qemu-img \"$@\"\n");
        File.SetUnixFileMode(Tool, UnixFileMode.UserRead | UnixFileMode.UserExecute);
    }

    public string Tool { get; }

    /// <summary>Waits until a conversion is held.</summary>
    public Task StartedAsync(CancellationToken cancellationToken) =>
        Task.Run(() => File.ReadAllText(_started), cancellationToken).WaitAsync(cancellationToken);

    public Task ReleaseAsync(CancellationToken cancellationToken) =>
        Task.Run(() => File.WriteAllText(_held, "go\n"), cancellationToken).WaitAsync(cancellationToken);

    /// <summary>Later conversions are not held.</summary>
    public void Disarm() => File.Delete(_held);
}
