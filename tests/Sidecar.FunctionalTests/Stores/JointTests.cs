using System.Security.Cryptography;
using Glance.Sidecar.V1;
using Grpc.Core;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.FunctionalTests.Stores;

/// <summary>One source that goes to two pools of a real Ceph, read once.</summary>
internal sealed class JointTests : CephTest
{
    private const int SlowBytes = 4 * MiB;
    private const string Second = CephCluster.SecondPool;

    private readonly string _import = NewId();

    [OneTimeSetUp]
    public static async Task MakePoolAsync()
    {
        await Ceph.CephAsync("osd", "pool", "create", Second, "8");
        await RbdAsync(Second, "pool", "init");
    }

    [Test]
    public async Task Store_InTwoPools_ReadsTheDiskOnce()
    {
        var raw = Content(9 * MiB);
        await using var scene = await StoreScene.StartAsync(Ceph);
        await ImportAsync(scene, raw);

        var image = await StoredAsync(Begin(scene));

        // One for the import, and one for both writes.
        Assert.That(await MetricsPage.ReadAsync(
            scene.Sidecar, "glance_staging_child_processes_total{tool=\"qemu-nbd\",result=\"succeeded\"}", Deadline), Is.EqualTo(2));
        Assert.That(await ExportAsync(Second), SameBytes.As(raw));
        var other = await StoredAsync(BeginSecond(scene));
        Assert.That(other, Is.EqualTo(image).Using<StoredImage, StoredImage>((one, two) => one.Digests.Equals(two.Digests)));
        Assert.That(image.Digests["sha512"], Is.EqualTo(Convert.ToHexStringLower(SHA512.HashData(raw))));
        Assert.That(await ExportAsync(CephCluster.Pool), SameBytes.As(raw));
    }

    [Test]
    public async Task Store_WhereOneCannot_IsWrittenToTheOther([Values] bool isFirst)
    {
        await using var scene = await StoreScene.StartAsync(Ceph);
        await ImportAsync(scene, Content(3 * MiB));
        var none = scene.Target;
        none.Rbd.Pool = "none";

        using var first = Begin(scene, isFirst ? none : scene.Target, isFirst ? Target(scene, Second) : none);
        var end = await EndAsync(first);
        var second = await EndAsync(BeginSecond(scene, isFirst ? null : none));

        AssertRefused(isFirst ? end : second, StatusCode.FailedPrecondition, "STORE_FAILED");
        Assert.That(isFirst ? second : end, Is.Null);
        Assert.That(await ExportAsync(isFirst ? Second : CephCluster.Pool), SameBytes.As(Content(3 * MiB)));
    }

    [Test]
    public async Task Discard_OfOne_LeavesTheOther()
    {
        await using var scene = await StoreScene.StartAsync(Ceph);
        await ImportAsync(scene, Content(40 * MiB));
        await Ceph.LimitAsync(SlowBytes);
        using var call = Begin(scene);
        await StoreScene.BegunAsync(call, Deadline);

        Assert.That(scene.Discard(_import).Discarded, Is.True);

        await FullSpeedAsync();
        AssertRefused(await EndAsync(call), StatusCode.Cancelled, "STORE_DISCARDED");
        Assert.That(await EndAsync(BeginSecond(scene)), Is.Null);
        Assert.That(await ExportAsync(Second), SameBytes.As(Content(40 * MiB)));
        Assert.That(await OfThisAsync(), Is.Empty);
    }

    [Test]
    public async Task Store_WriterKilled_IsWrittenAnewToBoth()
    {
        await using var scene = await StoreScene.StartAsync(Ceph);
        await ImportAsync(scene, Content(40 * MiB));
        await Ceph.LimitAsync(SlowBytes);
        using var call = Begin(scene);
        await StoreScene.BegunAsync(call, Deadline);
        Signals.Send("KILL", scene.Writer()); // before it may go fast, and be done
        await FullSpeedAsync();

        Assert.That(await EndAsync(call), Is.Null);
        Assert.That(await EndAsync(BeginSecond(scene)), Is.Null);
        Assert.That(await ExportAsync(CephCluster.Pool), SameBytes.As(Content(40 * MiB)));
        Assert.That(await ExportAsync(Second), SameBytes.As(Content(40 * MiB)));
    }

    [Test]
    public async Task Store_OthersOfNoSense_AreRefused()
    {
        await using var scene = await StoreScene.StartAsync(Ceph);
        await ImportAsync(scene, Content(MiB));
        var request = Request(scene.Target, scene.Target);
        request.Others[0].Store = StoreScene.Store;
        using var call = scene.Stores.StoreOutput(request, cancellationToken: Deadline);
        Assert.That(AssertRefused(await EndAsync(call), StatusCode.InvalidArgument, "INVALID_REQUEST")["field"], Is.EqualTo("others"));
    }

    private static StoreTarget Target(StoreScene scene, string pool)
    {
        var target = scene.Target;
        target.Rbd.Pool = pool;
        return target;
    }

    private StoreOutputRequest Request(StoreTarget target, StoreTarget other) => new()
    {
        SourceId = _import, Store = StoreScene.Store, Target = target, Digests = { "md5", "sha512" },
        Others = { new OtherStore { Store = Second, Target = other } },
    };

    private AsyncServerStreamingCall<StoreOutputEvent> Begin(StoreScene scene, StoreTarget? target = null, StoreTarget? other = null) =>
        scene.Stores.StoreOutput(
            Request(target ?? scene.Target, other ?? Target(scene, Second)), cancellationToken: Deadline);

    /// <summary>Asks for what was begun with the first one.</summary>
    private AsyncServerStreamingCall<StoreOutputEvent> BeginSecond(StoreScene scene, StoreTarget? target = null) => scene.Stores.StoreOutput(
        new StoreOutputRequest
        {
            SourceId = _import, Store = Second, Target = target ?? Target(scene, Second), Digests = { "md5", "sha512" },
        },
        cancellationToken: Deadline);

    private static async Task<StoredImage> StoredAsync(AsyncServerStreamingCall<StoreOutputEvent> call)
    {
        using (call) return (await call.ResponseStream.ReadAllAsync(Deadline).LastAsync(Deadline)).Image;
    }

    private async Task ImportAsync(StoreScene scene, byte[] raw)
    {
        await StageAsync(scene.Sidecar, Id, await ImageAsync(raw));
        var request = new RunImportRequest { ImageId = Id, ImportId = _import, DeferConversion = true, Stages = { "image_conversion" } };
        using var call = scene.Sidecar.Imports.RunImport(request, cancellationToken: Deadline);
        Assert.That((await call.ResponseStream.ReadAllAsync(Deadline).LastAsync(Deadline)).Import.Result.Deferred, Is.True);
    }

    private static Task<string> RbdAsync(string pool, params string[] arguments) =>
        CephProgram.RunAsync(["rbd", "--conf", Ceph.Configuration, "--pool", pool, .. arguments]);

    private async Task<byte[]> ExportAsync(string pool)
    {
        File.Delete(Place["export"]);
        await RbdAsync(pool, "export", Id, Place["export"]);
        return await File.ReadAllBytesAsync(Place["export"], Deadline);
    }
}
