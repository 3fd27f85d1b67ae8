using Glance.Sidecar.V1;
using NUnit.Framework;
using Sidecar.FunctionalTests.Importing;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.FunctionalTests.Hosting;

/// <summary>SIGTERM while something does not end.</summary>
internal sealed class StopTests : SidecarTest
{
    [Test]
    public async Task Terminate_WithAChildThatCannotBeKilled_EndsAllTheSame_AndTheNextStartSaysInterrupted()
    {
        using var directory = TestDirectory.Create();
        var tool = new SlowTool(directory);
        var (id, import) = (NewId(), NewId());
        await using (var sidecar = await SidecarInstance.StartAsync(
            directory.Path, [.. tool.Settings, "--Hosting:DrainTimeout", "00:00:01"]))
        {
            await StageAsync(sidecar, id, await SlowTool.DiskAsync(directory, Deadline));
            using var run = sidecar.Imports.RunImport(new RunImportRequest { ImageId = id, ImportId = import });
            await tool.StartedAsync(Deadline);
            using var frozen = Freezer.OfChildren(sidecar.ProcessId);
            Assert.That(await sidecar.TerminateAsync(), Is.Zero);
            Assert.That(sidecar.Log, Has.Some.Contains("\"EventId\":5006"));
        }

        await using var next = await SidecarInstance.StartAsync(directory.Path);
        var found = await next.Imports.GetImportAsync(new GetImportRequest { ImportId = import });
        Assert.That(found.State, Is.EqualTo(Glance.Sidecar.V1.Import.Types.State.Failed));
    }
}
