using System.Diagnostics;
using Glance.Sidecar.V1;
using Grpc.Core;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.FunctionalTests.Uploads;

/// <summary>A disk that fails at one place, and what the daemon makes of it.</summary>
internal sealed class UploadFaultTests : SidecarTest
{
    private readonly string _id = NewId();

    [Test]
    public async Task WriteError_KillsTheUploadForGood()
    {
        using var directory = TestDirectory.Create();
        await using (var sidecar = await SidecarInstance.StartAsync(directory.Path))
        {
            sidecar.ExpectsErrors = true;
            using var stage = new StageStream(sidecar.Uploads, Deadline);
            await stage.HeaderAsync(_id);
            await stage.ChunkAsync(new byte[1000]);
            await ReceivedAsync(sidecar, _id, 1000);
            using (await Strace.AttachAsync(sidecar, "pwrite64:error=EIO", Deadline, UploadFile(directory, "data")))
            {
                await stage.ChunkAsync(new byte[1000]);
                var refusal = await Assert.ThrowsAsync<RpcException>(() => stage.Result);
                AssertRefused(refusal, StatusCode.DataLoss, "DISK_FAILED");
                Assert.That(refusal!.Status.Detail, Does.Contain("the volume failed to read or to write (EIO)").And.Contain("log"));
                await sidecar.LoggedAsync("Input/output error", Deadline);
            }

            await sidecar.TerminateAsync();
        }

        await using var restarted = await SidecarInstance.StartAsync(directory.Path);
        restarted.ExpectsErrors = true;
        Assert.That((await UploadAsync(restarted)).State, Is.EqualTo(Upload.Types.State.Failed));
    }

    [Test]
    public async Task FsyncError_WhileNothingMoreIsSent_KillsTheUploadAtOnce()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(
            directory.Path, "--Staging:DurableIntervalBytes", "1048576");
        sidecar.ExpectsErrors = true;
        using var stage = new StageStream(sidecar.Uploads, Deadline);
        await stage.HeaderAsync(_id);
        await stage.ChunkAsync(new byte[1000]);
        await ReceivedAsync(sidecar, _id, 1000);
        using (await Strace.AttachAsync(sidecar, "fsync:error=EIO", Deadline, UploadFile(directory, "data")))
        {
            await stage.ContentAsync(new byte[1 << 20]);
            await sidecar.LoggedAsync("\"EventId\":2003,", Deadline);
        }

        Assert.That((await UploadAsync(sidecar)).State, Is.EqualTo(Upload.Types.State.Failed));
    }

    // The point may be in the page cache only.
    [Test]
    public async Task Start_ThePointsOfAnUploadCannotBeMadeDurable_ReportsItLost()
    {
        using var directory = TestDirectory.Create();
        await SuspendAsync(directory);
        await using var restarted = await SidecarInstance.StartUnderAsync(
            Strace.Launcher("fsync:error=EIO", UploadFile(directory, "journal")), directory.Path);
        restarted.ExpectsErrors = true;
        Assert.That((await UploadAsync(restarted)).State, Is.EqualTo(Upload.Types.State.Failed));
    }

    // What was renamed into them may be in the page cache only; and they themselves in their parents.
    [TestCase("staging/.sidecar/uploads")]
    [TestCase("staging/.sidecar/images")]
    [TestCase("staging/.sidecar")]
    [TestCase("staging")]
    [TestCase(".")]
    public async Task Start_ADirectoryCannotBeMadeDurable_ServesNobody(string unsynced)
    {
        using var directory = TestDirectory.Create();
        await SuspendAsync(directory);
        var (exit, output) = await RunAsync(
            directory, Strace.Launcher("fsync:error=EIO", Path.GetFullPath(directory[unsynced])));
        Assert.That(exit, Is.Not.Zero, output);
        Assert.That(output, Does.StartWith("glance-staging-sidecar: ").And.Contain("fsync of"));
    }

    [Test]
    public async Task Start_TheFirstOnAFullVolume_SaysWhatToDo()
    {
        using var directory = TestDirectory.WithSpace(1 << 20);
        Assert.That(() => File.WriteAllBytes(directory["full"], new byte[2 << 20]), Throws.InstanceOf<IOException>());
        var (exit, output) = await RunAsync(directory, []);
        Assert.That(exit, Is.EqualTo(2), output);
        Assert.That(output, Does.Contain("is full").And.Contain("Remove something from the volume"));
    }

    [Test]
    public async Task Commit_TheRenameCannotBeMadeDurable_LeavesNoImage()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        sidecar.ExpectsErrors = true;
        using var stage = new StageStream(sidecar.Uploads, Deadline);
        await stage.HeaderAsync(_id);
        await stage.ChunkAsync(new byte[1000]);
        await ReceivedAsync(sidecar, _id, 1000);
        using (await Strace.AttachAsync(sidecar, "fsync:error=EIO", Deadline, directory.Staging))
        {
            AssertRefused(
                await Assert.ThrowsAsync<RpcException>(() => stage.FinishAsync(1000)), StatusCode.DataLoss, "DISK_FAILED");
        }

        Assert.That(File.Exists(Path.Combine(directory.Staging, _id)), Is.False);
        Assert.That(Directory.EnumerateFiles(Path.Combine(directory.Staging, ".sidecar", "images")), Is.Empty);
        await StageAsync(sidecar, _id, [4]);
        Assert.That(await ReadAsync(sidecar, _id), Is.EqualTo(new byte[] { 4 }), "staging it again works");
    }

    [Test]
    public async Task Adopt_TheOriginalCannotBeRemoved_IsStagedAllTheSame()
    {
        using var directory = TestDirectory.Create();
        using var elsewhere = TestDirectory.WithSpace(1 << 20);
        await File.WriteAllBytesAsync(elsewhere["file"], [1, 2, 3], Deadline);
        await using var sidecar = await SidecarInstance.StartAsync(
            directory.Path, "--Staging:AdoptDirectories:0", elsewhere.Path);
        sidecar.ExpectsErrors = true;
        using (await Strace.AttachAsync(sidecar, "unlink:error=EIO", Deadline, elsewhere["file"]))
        {
            await sidecar.Staging.AdoptFileAsync(new AdoptFileRequest { ImageId = _id, Path = elsewhere["file"] });
        }

        Assert.That(await ReadAsync(sidecar, _id), Is.EqualTo(new byte[] { 1, 2, 3 }));
        Assert.That(File.Exists(elsewhere["file"]), Is.True);
    }

    private string UploadFile(TestDirectory directory, string name) =>
        Path.Combine(directory.Staging, ".sidecar", "uploads", _id, name);

    private async Task<Upload> UploadAsync(SidecarInstance sidecar) =>
        await sidecar.Staging.GetUploadAsync(new GetUploadRequest { ImageId = _id });

    private async Task SuspendAsync(TestDirectory directory)
    {
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        using var stage = new StageStream(sidecar.Uploads, Deadline);
        await stage.HeaderAsync(_id);
        await stage.ChunkAsync(new byte[1000]);
        await ReceivedAsync(sidecar, _id, 1000);
        await sidecar.TerminateAsync();
    }

    private static async Task<(int Exit, string Output)> RunAsync(TestDirectory directory, string[] launcher)
    {
        string[] command =
        [
            .. launcher, .. SidecarInstance.Program, "--Staging:Directory", directory.Staging,
            "--Hosting:SocketPath", directory["s"], "--Hosting:LocalAddress", "127.0.0.1:0",
            "--Hosting:OpsAddress", "127.0.0.1:0",
        ];
        var start = new ProcessStartInfo(command[0], command[1..])
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync(Deadline);
        var error = process.StandardError.ReadToEndAsync(Deadline);
        try
        {
            await process.WaitForExitAsync(Deadline);
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }

        return (process.ExitCode, await error + await output);
    }
}
