using System.Security.Cryptography;
using System.Text.Json;
using Glance.Sidecar.V1;
using Grpc.Core;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.FunctionalTests.Stores;

/// <summary>Images that the daemon writes to a real Ceph of one node, judged by Ceph's own programs.</summary>
internal sealed class RbdTests : CephTest
{
    // So that a write of some MiB takes seconds, in which something can happen to it.
    private const int SlowBytes = 2 * MiB;

    [Test]
    public async Task Store_ImageWithHoles_IsInThePoolAsGlancesDriverMakesIt()
    {
        var content = WithZeros(48 * MiB);
        await using var scene = await StoreScene.StartAsync(Ceph);
        await StageAsync(scene.Sidecar, Id, content);

        var image = await scene.StoreAsync(Id, Deadline);

        Assert.That(image.Size, Is.EqualTo((ulong)content.Length));
        Assert.That(image.Digests["md5"], Is.EqualTo(Convert.ToHexStringLower(MD5.HashData(content))));
        Assert.That(image.Digests["sha512"], Is.EqualTo(Convert.ToHexStringLower(SHA512.HashData(content))));
        Assert.That(image.Facts["fsid"], Is.EqualTo(await Ceph.CephAsync("fsid")));
        Assert.That(await scene.ExportAsync(Id), SameBytes.As(content));
        Assert.That(await scene.ExportAsync(Id + "@snap"), SameBytes.As(content));
        // A third of it is zeros, in objects that are not there: clones, as Nova makes them, are possible.
        using var usage = JsonDocument.Parse(await Ceph.RbdAsync("du", "--format", "json", Id));
        Assert.That(
            usage.RootElement.GetProperty("images").EnumerateArray().Sum(each => each.GetProperty("used_size").GetInt64()),
            Is.EqualTo(32 * MiB));
        await Ceph.RbdAsync("clone", $"{CephCluster.Pool}/{Id}@snap", $"{CephCluster.Pool}/{Id}.clone");
        Assert.That(await Ceph.RbdAsync("info", Id), Does.Contain($"order {StoreScene.Order}"));
    }

    [Test]
    public async Task Store_AskedForAgain_FindsWhatIsThere([Values] bool isRestarted)
    {
        await using var scene = await StoreScene.StartAsync(Ceph);
        await StageAsync(scene.Sidecar, Id, Content(5 * MiB));
        var first = await scene.StoreAsync(Id, Deadline);
        var made = await IdAsync();
        if (isRestarted) await scene.RestartAsync();

        Assert.That(await scene.StoreAsync(Id, Deadline), Is.EqualTo(first));
        Assert.That(await IdAsync(), Is.EqualTo(made), "not written once more");
    }

    [Test]
    public async Task Store_AskedForOtherDigests_HasThemOfTheSameBytes()
    {
        var content = Content(5 * MiB);
        await using var scene = await StoreScene.StartAsync(Ceph);
        await StageAsync(scene.Sidecar, Id, content);
        await scene.StoreAsync(Id, Deadline);
        var made = await IdAsync();

        var request = new StoreOutputRequest { SourceId = Id, Store = StoreScene.Store, Target = scene.Target, Digests = { "sha256" } };
        using var call = scene.Stores.StoreOutput(request, cancellationToken: Deadline);
        var events = await call.ResponseStream.ReadAllAsync(Deadline).ToListAsync(Deadline);

        Assert.That(events[^1].Image.Digests["sha256"], Is.EqualTo(Convert.ToHexStringLower(SHA256.HashData(content))));
        Assert.That(await IdAsync(), Is.EqualTo(made), "not written once more");
    }

    [Test]
    public async Task Store_NameOfSomebodyElses_IsNotTouched()
    {
        await Ceph.RbdAsync("create", "--size", "3M", Id);
        var made = await IdAsync();
        await using var scene = await StoreScene.StartAsync(Ceph);
        await StageAsync(scene.Sidecar, Id, Content(3 * MiB));

        AssertRefused(await FailAsync(scene), StatusCode.AlreadyExists, "STORE_DUPLICATE");

        Assert.That(scene.Discard(Id).Discarded, Is.False);
        Assert.That(await IdAsync(), Is.EqualTo(made));
        Assert.That(await OfThisAsync(), Is.EqualTo(new[] { Id }), "no part is left");
    }

    [Test]
    public async Task Store_NameOfAnEarlierUpload_IsNotTakenForThisOne()
    {
        await using var scene = await StoreScene.StartAsync(Ceph);
        await StageAsync(scene.Sidecar, Id, Content(3 * MiB));
        await scene.StoreAsync(Id, Deadline);
        await scene.Sidecar.Staging.DeleteImageAsync(new DeleteImageRequest { ImageId = Id });
        await StageAsync(scene.Sidecar, Id, Content(3 * MiB, seed: 2));

        AssertRefused(await FailAsync(scene), StatusCode.AlreadyExists, "STORE_DUPLICATE");
        Assert.That(await scene.ExportAsync(Id), SameBytes.As(Content(3 * MiB)));
    }

    [Test]
    public async Task Discard_WhatWasWritten_RemovesIt()
    {
        await using var scene = await StoreScene.StartAsync(Ceph);
        await StageAsync(scene.Sidecar, Id, Content(3 * MiB));
        await scene.StoreAsync(Id, Deadline);

        Assert.That(scene.Discard(Id).Discarded, Is.True);
        Assert.That(await OfThisAsync(), Is.Empty);
        Assert.That(scene.Discard(Id).Discarded, Is.False, "there is nothing any more");
        Assert.That(File.Exists(scene.Record(Id)), Is.False);
    }

    [Test]
    public async Task Discard_WhatGlanceHas_DoesNothing()
    {
        await using var scene = await StoreScene.StartAsync(Ceph);
        await StageAsync(scene.Sidecar, Id, Content(3 * MiB));
        Assert.That(scene.Confirm(Id), Is.False, "nothing was written yet");
        await scene.StoreAsync(Id, Deadline);
        Assert.That(scene.Confirm(Id), Is.True);
        await scene.StoreAsync(Id, Deadline);

        Assert.That(scene.Discard(Id).Discarded, Is.False);
        Assert.That(await OfThisAsync(), Is.EqualTo(new[] { Id }));
        await scene.Sidecar.Staging.DeleteImageAsync(new DeleteImageRequest { ImageId = Id });
        Assert.That(File.Exists(scene.Record(Id)), Is.False, "its source is gone, so it cannot be asked for again");
        Assert.That(await OfThisAsync(), Is.EqualTo(new[] { Id }));
    }

    [Test]
    public async Task Discard_WhileItIsWritten_EndsIt()
    {
        await using var scene = await SlowSceneAsync();
        using var call = scene.Begin(Id, Deadline);
        await StoreScene.BegunAsync(call, Deadline);

        Assert.That(scene.Discard(Id).Discarded, Is.True);

        AssertRefused(await EndAsync(call), StatusCode.Cancelled, "STORE_DISCARDED");
        Assert.That(await OfThisAsync(), Is.Empty);
    }

    [Test]
    public async Task Store_WriterKilled_IsWrittenAnew()
    {
        await using var scene = await SlowSceneAsync();
        using var call = scene.Begin(Id, Deadline);
        await StoreScene.BegunAsync(call, Deadline);
        Signals.Send("KILL", scene.Writer()); // before it may go fast, and be done
        await FullSpeedAsync();

        Assert.That(await EndAsync(call), Is.Null);
        Assert.That(await scene.ExportAsync(Id), SameBytes.As(Content(12 * MiB)));
        Assert.That(await OfThisAsync(), Is.EqualTo(new[] { Id }));
    }

    [Test]
    public async Task Store_DaemonKilled_IsWrittenAnewWhenItIsAskedForAgain()
    {
        await using var scene = await SlowSceneAsync();
        using var call = scene.Begin(Id, Deadline);
        await StoreScene.BegunAsync(call, Deadline);
        var writer = scene.Writer();
        await scene.Sidecar.KillAsync();
        await FullSpeedAsync();
        Assert.That(() => Directory.Exists($"/proc/{writer}"), Is.False.After(10_000, 20), "it dies with the daemon");
        Assert.That(await OfThisAsync(), Is.EqualTo(new[] { $"{Id}.part-{Id}" }), "nothing by the final name");
        Assert.That(await File.ReadAllTextAsync(scene.Record(Id)), Does.Contain("\"Writing\""));

        await scene.RestartAsync();
        await scene.StoreAsync(Id, Deadline);

        Assert.That(await scene.ExportAsync(Id), SameBytes.As(Content(12 * MiB)));
        Assert.That(await OfThisAsync(), Is.EqualTo(new[] { Id }));
    }

    [Test]
    public async Task Sweep_PartOfAnImageThatIsGone_IsRemoved()
    {
        await using var scene = await SlowSceneAsync();
        using var call = scene.Begin(Id, Deadline);
        await StoreScene.BegunAsync(call, Deadline);
        await scene.Sidecar.KillAsync();
        Assert.That(await OfThisAsync(), Is.Not.Empty);
        scene.RemoveImage(Id);

        await scene.RestartAsync();

        while ((await OfThisAsync()).Length > 0) await Cluster.BetweenLooks();
        while (File.Exists(scene.Record(Id))) await Cluster.BetweenLooks();
    }

    [Test]
    public async Task Store_BytesThatChangedOnTheVolume_AreNotWritten()
    {
        await using var scene = await StoreScene.StartAsync(Ceph);
        await StageAsync(scene.Sidecar, Id, Content(3 * MiB));
        using (var file = File.OpenHandle(scene.ImageFile(Id), FileMode.Open, FileAccess.Write))
        {
            RandomAccess.Write(file, [(byte)(Content(3 * MiB)[MiB] ^ 1)], MiB);
        }

        AssertRefused(await FailAsync(scene), StatusCode.DataLoss, "STORE_CORRUPT");
        Assert.That(await OfThisAsync(), Is.Empty);
    }

    [Test]
    public async Task Store_DigestsOfTheUpload_AreThoseOfTheImage()
    {
        var content = Content(3 * MiB);
        await using var scene = await StoreScene.StartAsync(Ceph, "--Staging:Digests:0", "md5");
        await StageAsync(scene.Sidecar, Id, content);
        var image = await scene.StoreAsync(Id, Deadline);
        Assert.That(image.Digests, Is.EquivalentTo(new Dictionary<string, string>
        {
            ["md5"] = Convert.ToHexStringLower(MD5.HashData(content)), ["sha512"] = Convert.ToHexStringLower(SHA512.HashData(content)),
        }));
    }

    [Test]
    public async Task Store_ImageDeletedMeanwhile_LeavesNothing()
    {
        await using var scene = await SlowSceneAsync();
        using var call = scene.Begin(Id, Deadline);
        await StoreScene.BegunAsync(call, Deadline);
        await scene.Sidecar.Staging.DeleteImageAsync(new DeleteImageRequest { ImageId = Id });
        await FullSpeedAsync();

        AssertRefused(await EndAsync(call), StatusCode.NotFound, "STORE_SOURCE_GONE");
        Assert.That(await OfThisAsync(), Is.Empty);
    }

    [Test]
    public async Task Store_FrozenBackend_FailsInTimeAndCanBeAskedForAgain()
    {
        await using var scene = await StoreScene.StartAsync(Ceph, "--Stores:StallTimeout", "00:00:03", "--Stores:Attempts", "1");
        await StageAsync(scene.Sidecar, Id, Content(3 * MiB));
        Ceph.Freeze();
        AssertRefused(await FailAsync(scene), StatusCode.Aborted, "STORE_UNREACHABLE");
        Ceph.Freeze(false);

        await scene.StoreAsync(Id, Deadline);
        Assert.That(await scene.ExportAsync(Id), SameBytes.As(Content(3 * MiB)));
    }

    [Test]
    public async Task Store_FullPool_FailsInTimeAndLeavesNothingWhenThereIsRoom()
    {
        string[] settings = ["--Stores:StallTimeout", "00:00:05", "--Stores:Attempts", "1"];
        await using var scene = await StoreScene.StartAsync(Ceph, settings);
        await StageAsync(scene.Sidecar, Id, Content(3 * MiB));
        await Ceph.FillAsync(Deadline);
        try
        {
            var refusal = await FailAsync(scene);
            AssertRefused(refusal, StatusCode.Aborted, "STORE_UNREACHABLE");
            Assert.That(refusal!.Status.Detail, Does.Contain("full"));
        }
        finally
        {
            await Ceph.EmptyAsync(Deadline);
        }

        await scene.StoreAsync(Id, Deadline);
        Assert.That(await scene.ExportAsync(Id), SameBytes.As(Content(3 * MiB)));
        Assert.That(await OfThisAsync(), Is.EqualTo(new[] { Id }));
    }

    [Test]
    public async Task Store_TargetThatIsNone_SaysWhatToDo()
    {
        await using var scene = await StoreScene.StartAsync(Ceph);
        await StageAsync(scene.Sidecar, Id, Content(MiB));
        var noFile = scene.Target;
        noFile.Rbd.ConfigurationFile = "/etc/ceph/none.conf";
        AssertRefused(await FailAsync(scene, noFile), StatusCode.FailedPrecondition, "STORE_UNSUPPORTED");
        var noPool = scene.Target;
        noPool.Rbd.Pool = "none";
        var refusal = await FailAsync(scene, noPool);
        AssertRefused(refusal, StatusCode.FailedPrecondition, "STORE_FAILED");
        Assert.That(refusal!.Status.Detail, Does.Contain("no pool none"));
        Assert.That(scene.Discard(Id).Discarded, Is.False, "nothing of it is remembered");
    }

    [Test]
    public async Task Store_UserWhoMayOnlyRead_IsRefused()
    {
        await using var scene = await StoreScene.StartAsync(Ceph);
        await StageAsync(scene.Sidecar, Id, Content(MiB));
        var reader = scene.Target;
        reader.Rbd.User = CephKeyring.Reader;

        var refusal = await FailAsync(scene, reader);

        AssertRefused(refusal, StatusCode.PermissionDenied, "STORE_DENIED");
        Assert.That(refusal!.Status.Detail, Does.Contain("capabilities"));
        Assert.That(await OfThisAsync(), Is.Empty);
        await scene.StoreAsync(Id, Deadline);
        Assert.That(await scene.ExportAsync(Id), SameBytes.As(Content(MiB)), "one who may is not harmed");
    }

    [Test]
    public async Task Store_UserWithoutAKeyInTheSidecarsContainer_IsToldToMountIt()
    {
        await using var scene = await StoreScene.StartAsync(Ceph);
        await StageAsync(scene.Sidecar, Id, Content(MiB));
        var bare = scene.Target;
        bare.Rbd.ConfigurationFile = Place["bare.conf"];
        await File.WriteAllTextAsync(
            bare.Rbd.ConfigurationFile, (await File.ReadAllTextAsync(Ceph.Configuration)).Replace(Ceph.Keyring, "/etc/ceph/none.keyring", StringComparison.Ordinal));

        var refusal = await FailAsync(scene, bare);

        AssertRefused(refusal, StatusCode.FailedPrecondition, "STORE_UNSUPPORTED");
        Assert.That(refusal!.Status.Detail, Does.Contain("keyring"));
    }

    [Test]
    public async Task Store_KeyThatIsNotTheUsers_IsRefused()
    {
        await using var scene = await StoreScene.StartAsync(Ceph);
        await StageAsync(scene.Sidecar, Id, Content(MiB));
        await CephKeyring.CreateAsync(Place["other.keyring"]);
        var stranger = scene.Target;
        stranger.Rbd.ConfigurationFile = Place["stranger.conf"];
        await File.WriteAllTextAsync(
            stranger.Rbd.ConfigurationFile,
            (await File.ReadAllTextAsync(Ceph.Configuration)).Replace(Ceph.Keyring, Place["other.keyring"], StringComparison.Ordinal));

        AssertRefused(await FailAsync(scene, stranger), StatusCode.PermissionDenied, "STORE_DENIED");
    }

    private async Task<StoreScene> SlowSceneAsync()
    {
        var scene = await StoreScene.StartAsync(Ceph);
        await StageAsync(scene.Sidecar, Id, Content(12 * MiB));
        await Ceph.LimitAsync(SlowBytes);
        return scene;
    }

    private Task<RpcException?> FailAsync(StoreScene scene, StoreTarget? target = null) => scene.FailAsync(Id, Deadline, target);

    // Of the image itself: another one of the same name has another.
    private async Task<string> IdAsync()
    {
        using var info = JsonDocument.Parse(await Ceph.RbdAsync("info", "--format", "json", Id));
        return info.RootElement.GetProperty("id").GetString()!;
    }

    // The middle third are zeros.
    private static byte[] WithZeros(int length)
    {
        var content = Content(length);
        content.AsSpan(length / 3, length / 3).Clear();
        return content;
    }
}
