using Glance.Sidecar.V1;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.FunctionalTests.Uploads;

/// <summary>
/// When the writeback of an upload starts, as strace sees it: the first call that starts one kills the daemon.
/// </summary>
internal sealed class WritebackTests : SidecarTest
{
    private const int MiB = 1 << 20;
    private const string FirstStartKills = "sync_file_range:signal=KILL";

    private readonly string[] _ids = [.. Enumerable.Range(0, 8).Select(_ => NewId())];

    [Test]
    public async Task Upload_BesideSevenOthers_IsOnItsWayAfterAMebibyte()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        var uploads = await BeginAsync(sidecar);
        using (await Strace.AttachAsync(sidecar, FirstStartKills, Deadline))
        {
            await uploads[0].ContentAsync(Content(MiB));
            await sidecar.ExitAsync();
        }

        foreach (var upload in uploads) upload.Dispose();
    }

    [Test]
    public async Task Upload_WhoseSevenOthersHaveEnded_HoldsBackMoreAgain()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        var uploads = await BeginAsync(sidecar);
        // An abort is answered when the writer has closed its files.
        foreach (var id in _ids[1..]) await sidecar.Staging.AbortUploadAsync(new AbortUploadRequest { ImageId = id });
        using (await Strace.AttachAsync(sidecar, FirstStartKills, Deadline))
        {
            await uploads[0].ContentAsync(Content(4 * MiB));
            Assert.That((await uploads[0].FinishAsync(4 * MiB)).Size, Is.EqualTo(4 * MiB));
        }

        foreach (var upload in uploads) upload.Dispose();
    }

    private async Task<StageStream[]> BeginAsync(SidecarInstance sidecar)
    {
        var uploads = new StageStream[_ids.Length];
        for (var index = 0; index < uploads.Length; index++)
        {
            uploads[index] = new StageStream(sidecar.Uploads, Deadline);
            await uploads[index].HeaderAsync(_ids[index]);
            await ReceivedAsync(sidecar, _ids[index], 0);
        }

        return uploads;
    }
}
