using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.FunctionalTests.Importing;

/// <summary>A qemu-nbd whose conversions wait until a gate is opened, for ever if it is not.</summary>
internal static class GatedQemuNbd
{
    private const string Gate = "gate";

    /// <returns>Path of the program, for <c>Import:Tools:QemuNbd</c>.</returns>
    public static string Write(TestDirectory directory)
    {
        var tool = directory["qemu-nbd"];
        File.WriteAllText(tool, $"""
            #!/bin/sh
            while [ ! -e {directory[Gate]} ]; do sleep 0.05; done
            exec /usr/bin/qemu-nbd "$@"

            """);
        File.SetUnixFileMode(tool, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        return tool;
    }

    public static void Open(TestDirectory directory) => File.WriteAllText(directory[Gate], "");
}
