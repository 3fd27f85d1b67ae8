using System.Diagnostics;
using System.Globalization;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.FunctionalTests.Importing;

/// <summary>A stand-in for qemu-nbd, and for qemu-img, whose conversion waits until the test lets it go on, or for ever.</summary>
internal sealed class SlowTool
{
    private readonly string _gate;
    private readonly string _started;

    public SlowTool(TestDirectory directory)
    {
        (Path, _started, _gate) = (directory["slow-qemu"], directory["started"], directory["gate"]);
        using (var fifo = Process.Start("mkfifo", [_started, _gate])) fifo.WaitForExit();
        // It tells its process id, as it is outside its own namespace, through one FIFO and waits for a line from the other.
        File.WriteAllText(
            Path,
            "#!/bin/sh\ncase $1 in measure|convert) tool=qemu-img;; *) tool=qemu-nbd;; esac\n"
            + $"[ $1 = measure ] || [ -e {directory["fast"]} ] && exec /usr/bin/$tool \"$@\"\n"
            + $"read id rest < /proc/self/stat\necho $id > {_started}\nread line < {_gate}\nexec /usr/bin/$tool \"$@\"\n");
        File.SetUnixFileMode(Path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        Fast = directory["fast"];
    }

    public string Path { get; }

    /// <summary>It writes and reads where no program of an import may.</summary>
    public string[] Settings => ["--Import:Tools:QemuNbd", Path, "--Import:Tools:QemuImg", Path, "--Import:Confinement", "off"];

    private string Fast { get; }

    /// <summary>The process id of a conversion that has begun.</summary>
    public async Task<int> StartedAsync(CancellationToken deadline)
    {
        var text = await Task.Run(() => File.ReadAllText(_started), deadline).WaitAsync(deadline);
        return int.Parse(text, CultureInfo.InvariantCulture);
    }

    /// <summary>Lets the conversion that waits go on.</summary>
    public Task GoOnAsync(CancellationToken deadline) =>
        Task.Run(() => File.WriteAllText(_gate, "go\n"), deadline).WaitAsync(deadline);

    /// <summary>From now on conversions do not wait.</summary>
    public void BeFast() => File.WriteAllText(Fast, "");

    /// <summary>A small qcow2 disk.</summary>
    public static async Task<byte[]> DiskAsync(TestDirectory directory, CancellationToken deadline)
    {
        using (var create = Process.Start("qemu-img", ["create", "-q", "-f", "qcow2", directory["disk"], "1M"]))
        {
            await create.WaitForExitAsync(deadline);
            Assert.That(create.ExitCode, Is.Zero);
        }

        return await File.ReadAllBytesAsync(directory["disk"], deadline);
    }
}
