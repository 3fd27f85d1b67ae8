using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.FunctionalTests.Importing;

/// <summary>A qemu-img whose conversions wait until a gate is opened, for ever if it is not.</summary>
internal static class GatedQemuImg
{
    private const string Gate = "gate";

    /// <returns>Path of the program, for <c>Import:Tools:QemuImg</c>.</returns>
    public static string Write(TestDirectory directory)
    {
        var tool = directory["qemu-img"];
        File.WriteAllText(tool, $"""
            #!/bin/sh
            if [ "$1" = convert ]; then while [ ! -e {directory[Gate]} ]; do sleep 0.05; done; fi
            exec /usr/bin/qemu-img "$@"

            """);
        File.SetUnixFileMode(tool, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        return tool;
    }

    public static void Open(TestDirectory directory) => File.WriteAllText(directory[Gate], "");
}
