using System.Security.Cryptography;
using NUnit.Framework;
using Sidecar.Import.Core;
using Sidecar.Import.Queue;
using Sidecar.Staging.Core;

namespace Sidecar.Tests.Import;

internal sealed class ImportQueueTests : ImportTest
{
    [Test]
    [CancelAfter(60_000)]
    public async Task Start_SameIdAgain_AttachesAndRunsOnce(CancellationToken cancellationToken)
    {
        var request = Request(Stage(Directory.Convert(Directory.Raw(), "qcow2")));

        Queue.Start(request);
        var attached = Queue.Start(request with { RequestId = "retry" });
        var end = await EndOf(attached.ImportId, cancellationToken);
        var afterwards = Queue.Start(request);

        Assert.That(attached.CreatedAt, Is.EqualTo(end.CreatedAt));
        Assert.That(afterwards, Is.SameAs(end));
        Assert.That(Queue.List(), Has.Count.EqualTo(1));
    }

    [Test]
    public void Start_SameIdOtherParameters_Refused()
    {
        var request = Request(Stage(Directory.Raw()));
        Queue.Start(request);

        AssertError(() => Queue.Start(request with { OutputDiskFormat = "qcow2" }), ImportError.RequestDiffers);
        AssertError(() => Queue.Start(request with { Stages = ["image_conversion"] }), ImportError.RequestDiffers);
        AssertError(() => Queue.Start(request with { WithoutDigests = true }), ImportError.RequestDiffers);
        AssertError(() => Queue.Start(request with { Digests = ["sha1"] }), ImportError.RequestDiffers);
        AssertError(() => Queue.Start(request with { ImageId = ImageId.New() }), ImportError.RequestDiffers);
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Start_WithoutDigests_DoesNotReadTheOutputForThem(CancellationToken cancellationToken)
    {
        var import = await RunAsync(Request(Stage(Directory.Raw())) with { WithoutDigests = true }, cancellationToken);

        Assert.That(import.Result!.Digests, Is.Empty);
        Assert.That(import.Stages.Select(stage => stage.Name), Does.Not.Contain("image_checksum"));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Start_DigestsAskedFor_MakesThoseAndNoOthers(CancellationToken cancellationToken)
    {
        var raw = Directory.Raw();
        var sha256 = Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(raw, cancellationToken)));
        var request = Request(Stage(raw)) with { Digests = ["sha256", "sha1", "sha256"] };

        var import = await RunAsync(request, cancellationToken);
        var attached = Queue.Start(request with { Digests = ["sha1", "sha256"] });

        Assert.That(import.Result!.Digests.Keys, Is.EquivalentTo(["sha1", "sha256"]));
        Assert.That(import.Result.Digests["sha256"], Is.EqualTo(sha256));
        Assert.That(attached, Is.SameAs(import));
    }

    [Test]
    public void Start_BadRequest_Refused()
    {
        var request = Request(Stage(Directory.Raw()));

        AssertError(() => Queue.Start(request with { Stages = ["no_op"] }), ImportError.UnknownStage);
        AssertError(() => Queue.Start(request with { DiskFormat = "qed" }), ImportError.InvalidRequest);
        AssertError(() => Queue.Start(request with { OutputDiskFormat = "vhd" }), ImportError.InvalidRequest);
        AssertError(() => Queue.Start(request with { ContainerFormat = "\n" }), ImportError.InvalidRequest);
        AssertError(() => Queue.Start(request with { Digests = ["sha3"] }), ImportError.InvalidRequest);
        AssertError(() => Queue.Start(request with { Digests = ["md5"], WithoutDigests = true }), ImportError.InvalidRequest);
        AssertError(() => Queue.Start(request with { RequestId = "a\nb" }), ImportError.InvalidRequest);
        AssertError(
            () => Queue.Start(request with { Stages = ["image_conversion", "image_conversion"] }),
            ImportError.InvalidRequest);
        Assert.That(() => Queue.Start(Request(ImageId.New())), Throws.InstanceOf<StagingException>());
        Assert.That(Queue.List(), Is.Empty);
    }

    [Test]
    public void Start_NoImportId_ChoosesOne() => Assert.That(
        Queue.Start(Request(Stage(Directory.Raw())) with { ImportId = Guid.Empty }).ImportId,
        Is.Not.EqualTo(Guid.Empty));

    [Test]
    [CancelAfter(60_000)]
    public async Task Stages_AnyOrder_InspectionFirstAndDigestsLast(CancellationToken cancellationToken)
    {
        var import = await RunAsync(
            Request(Stage(Directory.Raw())) with { Stages = ["image_checksum", "image_conversion"] },
            cancellationToken);

        Assert.That(
            import.Stages.Select(stage => (stage.Name, stage.State)),
            Is.EqualTo(new[]
            {
                ("image_inspection", StageState.Succeeded),
                ("image_conversion", StageState.Skipped),
                ("image_checksum", StageState.Succeeded),
            }));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Cancel_Running_ChildIsDeadAndFilesAreGone(CancellationToken cancellationToken)
    {
        var pid = UseWaitingQemu();
        var import = Queue.Start(Request(Stage(Directory.Create("image", "-f", "qcow2"))));
        await UntilItWaitsAsync(pid, cancellationToken);

        var cancelled = await Queue.CancelAsync(import.ImportId, cancellationToken);

        Assert.That(IsGone(pid), Is.True);
        Assert.That(
            (cancelled.State, cancelled.Failure?.Error, cancelled.Failure?.Stage),
            Is.EqualTo((ImportState.Cancelled, ImportError.Cancelled, "image_conversion")));
        Assert.That(WorkFiles(import.ImportId), Is.EqualTo(new[] { "import.json" }));
        Assert.That(Layout.ImageFile(import.Request.ImageId), Does.Exist);
        Assert.That(Space.Snapshot().ReservedBytes, Is.Zero);
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Cancel_Waiting_EndsAtOnce(CancellationToken cancellationToken)
    {
        Configure("MaxConcurrent", "1");
        UseWaitingQemu();
        var image = Stage(Directory.Create("image", "-f", "qcow2"));
        var first = Queue.Start(Request(image));
        await UntilAsync(first.ImportId, now => now.State == ImportState.Running, cancellationToken);
        var second = Queue.Start(Request(image));

        var cancelled = await Queue.CancelAsync(second.ImportId, cancellationToken);

        Assert.That((second.State, cancelled.State), Is.EqualTo((ImportState.Queued, ImportState.Cancelled)));
        Assert.That(Queue.Get(first.ImportId).State, Is.EqualTo(ImportState.Running));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Cancel_WhileItIsWritten_DoesNotWaitForASlot([Values] bool byStop, CancellationToken cancellationToken)
    {
        Configure("MaxConcurrent", "1");
        UseWaitingQemu();
        var image = Stage(Directory.Create("image", "-f", "qcow2"));
        var first = Queue.Start(Request(image));
        await UntilAsync(first.ImportId, now => now.State == ImportState.Running, cancellationToken);
        var request = Request(image);
        var cancelling = Task.CompletedTask;
        // Read last while the journal is written: it is in the table by then, and not among those that wait.
        var roles = new ActingList(() =>
        {
            if (cancelling != Task.CompletedTask || Queue.Find(request.ImportId) is null) return;
            cancelling = byStop
                ? Queue.StopAsync(cancellationToken) : Queue.CancelAsync(request.ImportId, cancellationToken);
        });

        var started = Queue.Start(request with { UserRoles = roles });

        Assert.That(cancelling, Is.Not.SameAs(Task.CompletedTask));
        Assert.That(started.IsFinished, Is.True, "the slot is taken, for ever");
        var expected = byStop ? (ImportState.Failed, ImportError.ImportInterrupted) : (ImportState.Cancelled, ImportError.Cancelled);
        Assert.That((started.State, started.Failure?.Error), Is.EqualTo(expected));
        await cancelling;
        Assert.That(Queue.Get(request.ImportId).State, Is.EqualTo(expected.Item1));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Cancel_Finished_IsLeftAsItIs(CancellationToken cancellationToken)
    {
        var import = await ImportAsync(Directory.Raw(), cancellationToken);

        Assert.That(await Queue.CancelAsync(import.ImportId, cancellationToken), Is.SameAs(import));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Slots_MoreImportsThanSlots_RunInOrder(CancellationToken cancellationToken)
    {
        Configure("MaxConcurrent", "1");
        var image = Stage(Directory.Raw());

        var imports = Enumerable.Range(0, 6).Select(_ => Queue.Start(Request(image)).ImportId).ToArray();
        var ends = new List<ImportSnapshot>();
        foreach (var id in imports) ends.Add(await EndOf(id, cancellationToken));

        Assert.That(ends.Select(end => end.StartedAt), Is.Ordered);
        Assert.That(ends.Zip(ends.Skip(1)), Is.All.Matches<(ImportSnapshot Before, ImportSnapshot After)>(
            pair => pair.Before.FinishedAt <= pair.After.StartedAt));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Watch_WatcherLeaves_ImportGoesOn(CancellationToken cancellationToken)
    {
        var import = Queue.Start(Request(Stage(Directory.Convert(Directory.Raw(), "qcow2"))));
        using var leaving = new CancellationTokenSource();

        await using (var watcher = Queue.WatchAsync(import.ImportId, leaving.Token).GetAsyncEnumerator(leaving.Token))
        {
            await watcher.MoveNextAsync();
            await leaving.CancelAsync();
        }

        Assert.That((await EndOf(import.ImportId, cancellationToken)).State, Is.EqualTo(ImportState.Succeeded));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Release_Finished_RemovesOutputAndKeepsTheImage(CancellationToken cancellationToken)
    {
        var import = await ImportAsync(Directory.Convert(Directory.Raw(), "qcow2"), cancellationToken);

        var freed = await Queue.ReleaseAsync(import.ImportId);

        Assert.That(freed, Is.EqualTo(8 * TestImages.Megabyte));
        Assert.That(Layout.ImportDirectory(import.ImportId), Does.Not.Exist);
        Assert.That(Layout.ImageFile(import.Request.ImageId), Does.Exist);
        AssertError(() => Queue.Get(import.ImportId), ImportError.ImportNotFound);
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Start_WhileOneOfItsIdIsBeingRemoved_IsToldToTryAgain(CancellationToken cancellationToken)
    {
        var request = Request(Stage(Directory.Raw()));
        await RunAsync(request, cancellationToken);
        // So many that the removal is under way when it is started again; if not, it runs again, which is right as well.
        for (var file = 0; file < 2000; file++) File.Create(Path.Combine(Layout.ImportDirectory(request.ImportId), $"{file}")).Dispose();
        var removal = Queue.ReleaseAsync(request.ImportId);
        try
        {
            Queue.Start(request);
        }
        catch (ImportException refused)
        {
            Assert.That(refused.Error, Is.EqualTo(ImportError.ImportInterrupted));
        }

        await removal;
        await RunAsync(request, cancellationToken);
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Finish_ShownToAWatcher_HasEndedForTheOneWhoReleases(CancellationToken cancellationToken)
    {
        var request = Request(Stage(Directory.Raw()));
        for (var round = 0; round < 500; round++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var job = new ImportJob(request, [], TimeProvider.System);
            var watching = Task.Run(
                () =>
                {
                    SpinWait.SpinUntil(() => job.Snapshot().IsFinished);
                    return job.Ended.IsCompleted;
                },
                cancellationToken);
            job.Finish(job.Conclude(ImportState.Succeeded, null, null));
            Assert.That(await watching, Is.True);
        }
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Release_Running_Refused(CancellationToken cancellationToken)
    {
        var pid = UseWaitingQemu();
        var import = Queue.Start(Request(Stage(Directory.Create("image", "-f", "qcow2"))));
        await UntilItWaitsAsync(pid, cancellationToken);

        AssertError(() => Queue.ReleaseAsync(import.ImportId), ImportError.ImportRunning);
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task RemoveForImage_RunningAndFinished_AllGone(CancellationToken cancellationToken)
    {
        var pid = UseWaitingQemu();
        var image = Stage(Directory.Create("image", "-f", "qcow2"));
        await RunAsync(Request(image) with { OutputDiskFormat = "qcow2" }, cancellationToken);
        var running = Queue.Start(Request(image));
        await UntilItWaitsAsync(pid, cancellationToken);

        await Queue.RemoveForImageAsync(image, cancellationToken);

        Assert.That(IsGone(pid), Is.True);
        Assert.That(Queue.List(), Is.Empty);
        Assert.That(System.IO.Directory.EnumerateFileSystemEntries(Layout.Imports), Is.Empty);
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task ImageRemovedWhileWaiting_FailsAsGone(CancellationToken cancellationToken)
    {
        Configure("MaxConcurrent", "1");
        UseWaitingQemu();
        var first = Queue.Start(Request(Stage(Directory.Create("image", "-f", "qcow2"))));
        var gone = Stage(Directory.Raw());
        var second = Queue.Start(Request(gone));
        Unstage(gone);
        await Queue.CancelAsync(first.ImportId, cancellationToken);

        Assert.That(
            (await EndOf(second.ImportId, cancellationToken)).Failure?.Error, Is.EqualTo(ImportError.ImageGone));
    }

    [Test]
    [CancelAfter(120_000)]
    public async Task SixteenAtOnce_MixedImages_AllSucceed(CancellationToken cancellationToken)
    {
        Configure("MaxConcurrent", "16");
        var images = Enumerable.Range(0, 16).Select(MakeImage).ToArray();

        var ends = await Task.WhenAll(images.Select(image => ImportAsync(image.Path, cancellationToken)));

        foreach (var (image, end) in images.Zip(ends))
        {
            Assert.That(end.State, Is.EqualTo(ImportState.Succeeded), $"{image.Path}: {end.Failure?.Message}");
            AssertSameDisk(image.Raw, "raw", end.Result!.OutputPath, end.Result.DiskFormat);
        }

        Assert.That(Space.Snapshot().ReservedBytes, Is.Zero);
    }

    private (string Raw, string Path) MakeImage(int number)
    {
        var raw = Directory.Raw($"disk{number}.raw", seed: number);
        var path = (number % 5) switch
        {
            0 => raw,
            1 => Directory.Convert(raw, "qcow2", name: $"disk{number}.qcow2"),
            2 => TestImages.Gzip(Directory.Convert(raw, "qcow2", name: $"disk{number}.qcow2")),
            3 => Directory.Convert(raw, "vmdk", "subformat=streamOptimized", $"disk{number}.vmdk"),
            _ => Directory.Convert(raw, "vhdx", name: $"disk{number}.vhdx"),
        };
        return (raw, path);
    }

    private static void AssertError(Action act, ImportError error) => Assert.That(
        act,
        Throws.InstanceOf<ImportException>().With.Property(nameof(ImportException.Error)).EqualTo(error));

    /// <summary>Does something whenever somebody reads it.</summary>
    private sealed class ActingList(Action act) : IReadOnlyList<string>
    {
        public int Count => 1;

        public string this[int index] => "member";

        public IEnumerator<string> GetEnumerator()
        {
            act();
            yield return this[0];
        }

        System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
