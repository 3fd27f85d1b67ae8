using System.Text.Json;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;
using Sidecar.FunctionalTests.Interop;

namespace Sidecar.FunctionalTests.Hosting;

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
        await ForeignProgram.RunAsync(
            "qemu-img", "convert", "-f", "raw", "-O", "qcow2", directory["disk.raw"], directory["disk"]);
        var output = await ForeignProgram.RunAsync(
            ForeignProgram.Python, ForeignProgram.File("stage.py"), await ForeignBuild.PythonStubsAsync(),
            "unix:" + sidecar.Socket, directory["disk"], directory["out"]);
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
}
