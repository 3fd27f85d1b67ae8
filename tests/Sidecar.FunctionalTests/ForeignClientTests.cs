using System.Diagnostics;
using System.Text.Json;
using NUnit.Framework;

namespace Sidecar.FunctionalTests;

/// <summary>The main job as a client does it that nobody here wrote.</summary>
internal sealed class ForeignClientTests : SidecarTest
{
    [Test]
    public async Task Grpcio_StagesImportsReadsAndDeletes()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        var raw = Content(4 << 20);
        await File.WriteAllBytesAsync(directory["disk.raw"], raw, Deadline);
        await RunAsync("qemu-img", "convert", "-f", "raw", "-O", "qcow2", directory["disk.raw"], directory["disk"]);
        await MakeStubsAsync(directory["stubs"]);
        var output = await RunAsync(
            "/usr/bin/python3", // the one that sees Debian's grpcio
            Path.Combine(AppContext.BaseDirectory, "foreign", "stage.py"),
            directory["stubs"], "unix:" + sidecar.Socket, directory["disk"], directory["out"]);
        var seen = JsonDocument.Parse(output).RootElement;
        Assert.That(seen.GetProperty("unfinished").GetString(), Is.EqualTo("FAILED_PRECONDITION"));
        Assert.That(seen.GetProperty("resumed_at_half").GetBoolean(), Is.True);
        Assert.That(seen.GetProperty("size").GetInt64(), Is.EqualTo(new FileInfo(directory["disk"]).Length));
        Assert.That(seen.GetProperty("result").GetProperty("format").GetString(), Is.EqualTo("raw"));
        Assert.That(seen.GetProperty("result").GetProperty("virtual_size").GetInt64(), Is.EqualTo(raw.Length));
        Assert.That(await File.ReadAllBytesAsync(directory["out"], Deadline), SameBytes.As(raw));
        Assert.That(seen.GetProperty("deleted").GetBoolean(), Is.True);
        Assert.That(seen.GetProperty("gone").GetString(), Is.EqualTo("NOT_FOUND"));
    }

    private static async Task MakeStubsAsync(string directory)
    {
        Directory.CreateDirectory(directory);
        var protos = Path.Combine(AppContext.BaseDirectory, "protos");
        await RunAsync(
            "protoc", "-I", protos, $"--python_out={directory}", $"--grpc_python_out={directory}",
            "--plugin=protoc-gen-grpc_python=/usr/bin/grpc_python_plugin",
            "glance/sidecar/v1/forwarded.proto", "glance/sidecar/v1/staging.proto", "glance/sidecar/v1/imports.proto");
        // Without these files Glance's own Python package, where it is installed, hides the stubs.
        foreach (var package in new[] { "glance", "glance/sidecar", "glance/sidecar/v1" })
        {
            await File.WriteAllBytesAsync(Path.Combine(directory, package, "__init__.py"), [], Deadline);
        }
    }

    private static async Task<string> RunAsync(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true };
        using var process = Process.Start(start)!;
        var output = await process.StandardOutput.ReadToEndAsync(Deadline);
        await process.WaitForExitAsync(Deadline);
        Assert.That(process.ExitCode, Is.Zero, $"{program} {string.Join(' ', arguments)}");
        return output;
    }
}
