using System.Diagnostics;
using Sidecar.CrashTests.Disk;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.CrashTests.Scenarios;

/// <summary>A qcow2 image becomes raw, twice; the first of the two imports is released with its image.</summary>
internal sealed class ImportAndRelease(WatchedDisk disk, TestDirectory directory, CancellationToken deadline) : Scenario(disk, deadline)
{
    public const int VirtualBytes = 3 << 20;

    public override async Task RunAsync(SidecarInstance sidecar)
    {
        var qcow2 = Qcow2();
        Life released = NewImage(qcow2), kept = NewImage(qcow2);
        await StageAsync(sidecar, released);
        await ImportAsync(sidecar, released);
        await ReleaseAsync(sidecar, released);
        await StageAsync(sidecar, kept);
        await ImportAsync(sidecar, kept);
    }

    /// <summary>What the imports make.</summary>
    public static byte[] Raw()
    {
        var raw = new byte[VirtualBytes];
        Noise(1 << 20, 6).CopyTo(raw, 0);
        return raw;
    }

    private byte[] Qcow2()
    {
        File.WriteAllBytes(directory["disk.raw"], Raw());
        using var convert = Process.Start(
            "qemu-img", ["convert", "-f", "raw", "-O", "qcow2", directory["disk.raw"], directory["disk.qcow2"]]);
        convert.WaitForExit();
        return File.ReadAllBytes(directory["disk.qcow2"]);
    }
}
