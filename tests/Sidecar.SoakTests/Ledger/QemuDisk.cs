using System.Diagnostics;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.SoakTests.Ledger;

/// <summary>A disk with something on it, by qemu-img.</summary>
internal static class QemuDisk
{
    public static (byte[] Qcow2, byte[] Raw) Create(int mebibytes)
    {
        using var directory = TestDirectory.Create();
        var raw = new byte[mebibytes << 21]; // half of it empty
        new Random(mebibytes).NextBytes(raw.AsSpan(0, mebibytes << 20));
        File.WriteAllBytes(directory["raw"], raw);
        using var convert = Process.Start(
            "qemu-img", ["convert", "-f", "raw", "-O", "qcow2", directory["raw"], directory["qcow2"]]);
        convert.WaitForExit();
        return (File.ReadAllBytes(directory["qcow2"]), raw);
    }
}
