using System.Diagnostics;
using Glance.Sidecar.V1;
using Grpc.Core;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;
using ImportMessage = Glance.Sidecar.V1.Import;

namespace Sidecar.FunctionalTests.Importing;

/// <summary>Imports through the API, with real qemu-img.</summary>
internal sealed class ImportTests : SidecarTest
{
    [Test]
    public async Task RunImport_GzippedQcow2_BecomesTheSameRawDisk()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(
            directory.Path, "--Import:Metadata:Inject:hw_disk_bus", "virtio");
        var raw = Content(20 << 20);
        var qcow2 = await MakeQcow2Async(directory, raw);
        Run("gzip", "-k", qcow2);
        var (id, importId) = (NewId(), NewId());
        await StageAsync(sidecar, id, await File.ReadAllBytesAsync(qcow2 + ".gz", Deadline));
        var events = await RunAsync(sidecar, new RunImportRequest
        {
            ImageId = id, ImportId = importId, DiskFormat = "qcow2", UserRoles = { "member" }, RequestId = "req-1",
            Stages = { "image_decompression", "image_conversion", "inject_image_metadata" },
        });
        var import = events[^1];
        Assert.That(import.State, Is.EqualTo(ImportMessage.Types.State.Succeeded));
        Assert.That(
            import.Stages.Select(stage => stage.Name),
            Is.SupersetOf(["image_inspection", "image_decompression", "image_conversion", "inject_image_metadata"]));
        var result = import.Result;
        Assert.That((result.DiskFormat, result.ContainerFormat, result.Size, result.VirtualSize),
            Is.EqualTo(("raw", "bare", (ulong)raw.Length, (ulong)raw.Length)));
        Assert.That(result.Properties["hw_disk_bus"], Is.EqualTo("virtio"));
        Assert.That(result.Digests["sha512"],
            Is.EqualTo(Convert.ToHexStringLower(System.Security.Cryptography.SHA512.HashData(raw))));
        Run("qemu-img", "compare", "-f", "qcow2", "-F", "raw", qcow2, result.OutputPath);
        Assert.That(await ReadAsync(sidecar, id, importId), SameBytes.As(raw));
        Assert.That(await sidecar.Staging.GetImageAsync(new GetImageRequest { ImageId = id }), Is.Not.Null, "the input stays");

        var again = await RunAsync(sidecar, new RunImportRequest
        {
            ImageId = id, ImportId = importId, DiskFormat = "qcow2", UserRoles = { "member" },
            Stages = { "image_decompression", "image_conversion", "inject_image_metadata" },
        });
        Assert.That(again.Single().Result, Is.EqualTo(result), "the same id attaches");

        var released = await sidecar.Imports.ReleaseImportAsync(new ReleaseImportRequest { ImportId = importId });
        Assert.That(released.FreedBytes, Is.GreaterThanOrEqualTo((ulong)raw.Length));
        Assert.That(Directory.EnumerateFiles(directory.Staging), Is.Empty);
        Assert.That(Directory.EnumerateFileSystemEntries(Path.Combine(directory.Staging, ".sidecar", "imports")), Is.Empty);
    }

    [Test]
    public async Task RunImport_Qcow2WithABackingFile_IsRefusedByName()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        Run("qemu-img", "create", "-q", "-f", "qcow2", "-u", "-F", "raw", "-b", "/etc/passwd", directory["evil"], "1M");
        var id = NewId();
        await StageAsync(sidecar, id, await File.ReadAllBytesAsync(directory["evil"], Deadline));
        var refusal = await Assert.ThrowsAsync<RpcException>(() => RunAsync(sidecar, new RunImportRequest { ImageId = id }));
        var facts = AssertRefused(refusal, StatusCode.FailedPrecondition, "IMAGE_REFUSED");
        Assert.That(facts["check"], Does.Contain("backing"));
        var import = (await sidecar.Imports.ListImports(new ListImportsRequest { ImageId = id }).ResponseStream
            .ReadAllAsync(Deadline).ToListAsync(Deadline)).Single();
        Assert.That((import.State, import.Failure.Reason, import.Failure.Stage),
            Is.EqualTo((ImportMessage.Types.State.Failed, "IMAGE_REFUSED", "image_inspection")));
    }

    [Test]
    public async Task RunImport_ImageThatIsNotStaged_IsNotFound()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        AssertRefused(
            await Assert.ThrowsAsync<RpcException>(() => RunAsync(sidecar, new RunImportRequest { ImageId = NewId() })),
            StatusCode.NotFound, "IMAGE_NOT_FOUND");
        AssertRefused(
            await Assert.ThrowsAsync<RpcException>(
                async () => await sidecar.Imports.GetImportAsync(new GetImportRequest { ImportId = NewId() })),
            StatusCode.NotFound, "IMPORT_NOT_FOUND");
    }

    [Test]
    public async Task CancelImport_InMidConversion_KillsTheChildAndEndsTheCall()
    {
        using var directory = TestDirectory.Create();
        var tool = new SlowTool(directory);
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path, tool.Settings);
        var (id, importId) = (NewId(), NewId());
        await StageAsync(sidecar, id, await File.ReadAllBytesAsync(await MakeQcow2Async(directory, Content(1 << 20)), Deadline));
        var run = RunAsync(sidecar, new RunImportRequest { ImageId = id, ImportId = importId });
        var child = await tool.StartedAsync(Deadline);
        var cancelled = await sidecar.Imports.CancelImportAsync(new CancelImportRequest { ImportId = importId });
        Assert.That(cancelled.State, Is.EqualTo(ImportMessage.Types.State.Cancelled));
        AssertRefused(await Assert.ThrowsAsync<RpcException>(() => run), StatusCode.Cancelled, "CANCELLED");
        Assert.That(IsAlive(child), Is.False);
    }

    [TestCase("TERM")]
    [TestCase("KILL")]
    public async Task DaemonEnds_InMidConversion_TheChildDiesAndTheImportCanRunAgain(string signal)
    {
        using var directory = TestDirectory.Create();
        var tool = new SlowTool(directory);
        var (id, importId) = (NewId(), NewId());
        var request = new RunImportRequest { ImageId = id, ImportId = importId };
        await using (var sidecar = await SidecarInstance.StartAsync(directory.Path, tool.Settings))
        {
            await StageAsync(sidecar, id, await File.ReadAllBytesAsync(await MakeQcow2Async(directory, Content(1 << 20)), Deadline));
            var run = RunAsync(sidecar, request);
            var child = await tool.StartedAsync(Deadline);
            var all = ProcessTree.Descendants(sidecar.ProcessId);
            Assert.That(all, Does.Contain(child));
            sidecar.Signal(signal);
            var ended = (await Assert.ThrowsAsync<RpcException>(() => run))!;
            Assert.That(ended.StatusCode, Is.EqualTo(StatusCode.Unavailable), ended.Status.Detail);
            await sidecar.ExitAsync();
            foreach (var process in all) await EndAsync(process);
        }

        await using var restarted = await SidecarInstance.StartAsync(directory.Path);
        var found = await restarted.Imports.GetImportAsync(new GetImportRequest { ImportId = importId });
        Assert.That(found.Failure.Reason, Is.EqualTo("IMPORT_INTERRUPTED"));
        var events = await RunAsync(restarted, request);
        Assert.That(events[^1].State, Is.EqualTo(ImportMessage.Types.State.Succeeded));
    }

    [TestCase("TERM", "")]
    [TestCase("KILL", "SIDECAR_KILLED")]
    public async Task DaemonEnds_AgainAndAgainInTheSameImport_IsNotItsFaultOnlyWhenItWasTold(string signal, string reason)
    {
        using var directory = TestDirectory.Create();
        var tool = new SlowTool(directory);
        var request = new RunImportRequest { ImageId = NewId(), ImportId = NewId() };
        for (var time = 0; time < 3; time++)
        {
            await using var sidecar = await SidecarInstance.StartAsync(directory.Path, tool.Settings);
            if (time == 0) await StageAsync(sidecar, request.ImageId, await SlowTool.DiskAsync(directory, Deadline));
            var run = RunAsync(sidecar, request);
            await tool.StartedAsync(Deadline);
            sidecar.Signal(signal);
            await Assert.ThrowsAsync<RpcException>(() => run);
            await sidecar.ExitAsync();
        }

        tool.BeFast();
        await using var last = await SidecarInstance.StartAsync(directory.Path, tool.Settings);
        if (reason.Length > 0)
        {
            var facts = AssertRefused(await Assert.ThrowsAsync<RpcException>(() => RunAsync(last, request)), StatusCode.Aborted, reason);
            Assert.That(facts["kills"], Is.EqualTo("3"));
            await last.Imports.ReleaseImportAsync(new ReleaseImportRequest { ImportId = request.ImportId, KeepImage = true });
        }

        Assert.That((await RunAsync(last, request))[^1].State, Is.EqualTo(ImportMessage.Types.State.Succeeded));
    }

    [Test]
    public async Task DeleteImage_InMidConversion_StopsTheImportAndTakesEverything()
    {
        using var directory = TestDirectory.Create();
        var tool = new SlowTool(directory);
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path, tool.Settings);
        var id = NewId();
        await StageAsync(sidecar, id, await File.ReadAllBytesAsync(await MakeQcow2Async(directory, Content(1 << 20)), Deadline));
        var run = RunAsync(sidecar, new RunImportRequest { ImageId = id });
        var child = await tool.StartedAsync(Deadline);
        await sidecar.Staging.DeleteImageAsync(new DeleteImageRequest { ImageId = id });
        Assert.That(IsAlive(child), Is.False);
        await Assert.ThrowsAsync<RpcException>(() => run);
        Assert.That(Directory.EnumerateFiles(directory.Staging), Is.Empty);
        Assert.That(Directory.EnumerateFileSystemEntries(Path.Combine(directory.Staging, ".sidecar", "imports")), Is.Empty);
    }

    private static async Task<List<ImportMessage>> RunAsync(SidecarInstance sidecar, RunImportRequest request)
    {
        using var call = sidecar.Imports.RunImport(request, cancellationToken: Deadline);
        var events = new List<ImportMessage>();
        await foreach (var update in call.ResponseStream.ReadAllAsync(Deadline)) events.Add(update.Import);
        return events;
    }

    private static async Task<string> MakeQcow2Async(TestDirectory directory, byte[] raw)
    {
        await File.WriteAllBytesAsync(directory["disk.raw"], raw, Deadline);
        Run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", directory["disk.raw"], directory["disk.qcow2"]);
        return directory["disk.qcow2"];
    }

    private static async Task EndAsync(int process)
    {
        while (IsAlive(process))
        {
            Deadline.ThrowIfCancellationRequested();
            await Cluster.BetweenLooks();
        }
    }

    private static bool IsAlive(int process)
    {
        try
        {
            return !File.ReadAllText($"/proc/{process}/stat").Split(' ')[2].Equals("Z", StringComparison.Ordinal);
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static void Run(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        process.WaitForExit();
        Assert.That(process.ExitCode, Is.Zero, $"{program} {string.Join(' ', arguments)}");
    }
}
