using System.Diagnostics;
using System.Globalization;

namespace Glance.Tests.Harness;

/// <summary>A qemu-nbd whose next conversion waits, when it is told to, until the test lets it go on.</summary>
internal sealed class HeldTool
{
    private readonly string _hold;
    private readonly string _started;
    private readonly string _gate;

    public HeldTool(string directory)
    {
        (_hold, _started, _gate) = (File("hold"), File("started"), File("gate"));
        using (var fifo = Process.Start("mkfifo", [_started, _gate])) fifo.WaitForExit();
        // Renaming the mark takes it: exactly one conversion is held. It tells its process id, as the test sees it, and waits for a line.
        System.IO.File.WriteAllText(File("qemu-nbd"), $"""
            #!/bin/sh
            if mv {_hold} {_hold}.taken 2>/dev/null; then
              read id rest < /proc/self/stat
              echo $id > {_started}
              read line < {_gate}
            fi
            exec /usr/bin/qemu-nbd "$@"

            """);
        System.IO.File.SetUnixFileMode(File("qemu-nbd"), UnixFileMode.UserRead | UnixFileMode.UserExecute);

        string File(string name) => Path.Combine(directory, name);
    }

    /// <summary>The next conversion waits.</summary>
    public void HoldNext() => File.WriteAllText(_hold, "");

    /// <summary>The process id of the conversion that has begun to wait.</summary>
    public async Task<int> HeldAsync()
    {
        var text = await Task.Run(() => File.ReadAllText(_started)).WaitAsync(TimeSpan.FromSeconds(60));
        return int.Parse(text, CultureInfo.InvariantCulture);
    }

    /// <summary>Lets the conversion that waits go on.</summary>
    public Task GoOnAsync() => Task.Run(() => File.WriteAllText(_gate, "go\n")).WaitAsync(TimeSpan.FromSeconds(60));
}
