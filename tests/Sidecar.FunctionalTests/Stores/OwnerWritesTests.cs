using Glance.Sidecar.V1;
using Grpc.Core;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;
using Sidecar.FunctionalTests.Infrastructure.Network;
using ImportMessage = Glance.Sidecar.V1.Import;
using StoresClient = Glance.Sidecar.V1.Stores.StoresClient;

namespace Sidecar.FunctionalTests.Stores;

/// <summary>A pod is asked, over TLS, to write to a real Ceph what another pod has.</summary>
internal sealed class OwnerWritesTests : CephTest
{
    private const string Store = "ceph";
    private const string Suffix = ".pods.test";

    // So that a write of some MiB takes seconds, in which something can happen to it.
    private const int SlowBytes = 2 * MiB;

    private static readonly string[] Impatient = ["--Peers:ConnectTimeout", "00:00:01", "--Peers:ReattachTimeout", "00:00:01"];

    private static StoreTarget Target => StoreScene.PoolOf(Ceph);

    [Test]
    public async Task Store_DeferredOutputOfAnotherPod_IsWrittenThereAndNothingIsHere()
    {
        await using var cluster = await StartPodsAsync();
        var raw = Content(5 * MiB);
        await StageAsync(cluster[1], Id, await ImageAsync(raw));
        var import = await ImportAsync(cluster[0]);
        Assert.That((import.Result.Deferred, import.Result.OutputOwner), Is.EqualTo((true, "glance-1")), "although it was to be brought");

        var stored = await StoreAsync(cluster[0], import.ImportId);

        Assert.That(stored.Digests["md5"], Is.EqualTo(Convert.ToHexStringLower(System.Security.Cryptography.MD5.HashData(raw))));
        Assert.That(await ExportAsync(), SameBytes.As(raw));
        Assert.That(await StoreAsync(cluster[0], import.ImportId), Is.EqualTo(stored), "asked for again");
        await LoggedAsync(cluster[1], $"Image {Id} was written to store");
        Assert.That(Count(cluster[0], $"Image {Id} was written to store"), Is.Zero);
        Assert.That(cluster.Leftovers(0), Is.Empty);

        Assert.That((await new StoresClient(cluster[0].Channel).ConfirmStoredAsync(Confirm(import.ImportId))).Confirmed, Is.True);
        Assert.That((await new StoresClient(cluster[0].Channel).DiscardStoredAsync(Discard(import.ImportId))).Discarded, Is.False);
        await cluster[0].Imports.ReleaseImportAsync(new ReleaseImportRequest { ImportId = import.ImportId });
        Assert.That(cluster.Leftovers(1), Is.Empty);
        Assert.That(await OfThisAsync(), Is.EqualTo(new[] { Id }));
    }

    [Test]
    public async Task Store_StagedImageOfAnotherPod_TakesItsNameAndAnswersForIt()
    {
        await using var cluster = await StartPodsAsync();
        await StageAsync(cluster[1], Id, Content(3 * MiB));

        await StoreAsync(cluster[0], Id);

        Assert.That(await ExportAsync(), SameBytes.As(Content(3 * MiB)));
        Assert.That((await new StoresClient(cluster[0].Channel).DiscardStoredAsync(Discard(Id))).Discarded, Is.True);
        Assert.That(await OfThisAsync(), Is.Empty);
    }

    [Test]
    public async Task Store_OwnerThatCannot_IsNamedWithItsReason()
    {
        await using var cluster = await StartPodsAsync();
        await StageAsync(cluster[1], Id, Content(MiB));
        var target = Target;
        target.Rbd.ConfigurationFile = "/etc/ceph/none.conf";

        var refusal = await FailAsync(cluster[0], Id, target);

        Assert.That(AssertRefused(refusal, StatusCode.FailedPrecondition, "STORE_UNSUPPORTED")["owner"], Is.EqualTo("glance-1"));
        Assert.That(refusal!.Status.Detail, Does.Contain("glance-1"));
    }

    [Test]
    public async Task Store_OfWhatNoPodHas_IsGoneAndThereIsNothingToUndo()
    {
        await using var cluster = await StartPodsAsync();

        AssertRefused(await FailAsync(cluster[0], Id), StatusCode.NotFound, "STORE_SOURCE_GONE");
        AssertRefused(await FailAsync(cluster[0], NewId()), StatusCode.NotFound, "STORE_SOURCE_GONE");
        Assert.That((await new StoresClient(cluster[0].Channel).DiscardStoredAsync(Discard(Id))).Discarded, Is.False);
        Assert.That((await new StoresClient(cluster[0].Channel).ConfirmStoredAsync(Confirm(Id))).Confirmed, Is.False);
    }

    [Test]
    public async Task Store_OwnerKilled_IsUnavailableAndWrittenWhenItIsAskedForAgain()
    {
        await using var cluster = await StartSlowAsync(Impatient);
        using var call = Begin(cluster[0], Id);
        await StoreScene.BegunAsync(call, Deadline);
        await cluster.KillPodAsync(1); // before it may go fast, and be done
        await FullSpeedAsync();

        Assert.That(AssertRefused(await EndAsync(call), StatusCode.Unavailable, "OWNER_LOST")["owner"], Is.EqualTo("glance-1"));
        await cluster.StartPodAsync(1, Impatient);
        await StoreAsync(cluster[0], Id);

        Assert.That(await ExportAsync(), SameBytes.As(Content(12 * MiB)));
        Assert.That(await OfThisAsync(), Is.EqualTo(new[] { Id }));
    }

    [Test]
    public async Task Store_OwnerFrozen_IsUnavailableAndGoesOnAfterwards()
    {
        await using var cluster = await StartSlowAsync(Impatient);
        using var call = Begin(cluster[0], Id);
        await StoreScene.BegunAsync(call, Deadline);
        cluster[1].Signal("STOP");

        AssertRefused(await EndAsync(call), StatusCode.Unavailable, "OWNER_LOST");
        cluster[1].Signal("CONT");
        await StoreAsync(cluster[0], Id);

        Assert.That(await ExportAsync(), SameBytes.As(Content(12 * MiB)));
        Assert.That(await OfThisAsync(), Is.EqualTo(new[] { Id }));
    }

    [Test]
    public async Task Store_AskedPodKilled_GoesOnAtTheOwner()
    {
        await using var cluster = await StartSlowAsync();
        using var call = Begin(cluster[0], Id);
        await StoreScene.BegunAsync(call, Deadline);
        await cluster.KillPodAsync(0);
        await cluster.StartPodAsync(0);
        await cluster.AllReachableAsync();

        await StoreAsync(cluster[0], Id);

        Assert.That(await ExportAsync(), SameBytes.As(Content(12 * MiB)));
        Assert.That(await OfThisAsync(), Is.EqualTo(new[] { Id }));
    }

    [Test]
    public async Task Drain_WithinItsGrace_WaitsForTheWrite()
    {
        await using var cluster = await StartSlowAsync();
        using var call = Begin(cluster[0], Id);
        await StoreScene.BegunAsync(call, Deadline);
        using var drain = new DrainCallStream(cluster[1], TimeSpan.FromMinutes(5), Deadline);
        await drain.UntilAsync(now => now is { State: Drain.Types.State.Waiting, RunningWrites: 1 });

        Assert.That(await EndAsync(call), Is.Null);

        Assert.That((await drain.EndAsync()).Left, Is.Empty);
        Assert.That(await ExportAsync(), SameBytes.As(Content(12 * MiB)));
    }

    [Test]
    public async Task Drain_WithoutGrace_EndsTheWriteWhichBeginsAnewAtTheNewOwner()
    {
        await using var cluster = await StartSlowAsync();
        using var call = Begin(cluster[0], Id);
        await StoreScene.BegunAsync(call, Deadline);

        var drain = await DrainAsync(cluster[1], TimeSpan.Zero);

        Assert.That(drain.Left, Is.Empty);
        Assert.That((await EndAsync(call))?.StatusCode, Is.EqualTo(StatusCode.Unavailable), "which is asked again");
        Assert.That(await OfThisAsync(), Is.Empty, "this pod may never come back to remove its part");
        await FullSpeedAsync();
        await StoreAsync(cluster[0], Id);
        Assert.That(await ExportAsync(), SameBytes.As(Content(12 * MiB)));
        await LoggedAsync(cluster[0], $"Image {Id} was written to store");
    }

    [Test]
    public async Task Drain_OfADeferredOutput_LeavesTheImportToBeRunAgain()
    {
        await using var cluster = await StartPodsAsync();
        var raw = Content(5 * MiB);
        await StageAsync(cluster[1], Id, await ImageAsync(raw));
        var import = await ImportAsync(cluster[0]);
        Assert.That((await DrainAsync(cluster[1], TimeSpan.Zero)).Left, Is.Empty);

        AssertRefused(await FailAsync(cluster[0], import.ImportId), StatusCode.NotFound, "STORE_SOURCE_GONE");

        var again = await ImportAsync(cluster[0]);
        Assert.That((again.Result.Deferred, again.Owner), Is.EqualTo((true, "glance-0")));
        await StoreAsync(cluster[0], again.ImportId);
        Assert.That(await ExportAsync(), SameBytes.As(raw));
    }

    [Test]
    public async Task Discard_WhileAnotherPodWrites_EndsIt()
    {
        await using var cluster = await StartSlowAsync();
        using var call = Begin(cluster[0], Id);
        await StoreScene.BegunAsync(call, Deadline);

        Assert.That((await new StoresClient(cluster[0].Channel).DiscardStoredAsync(Discard(Id))).Discarded, Is.True);

        AssertRefused(await EndAsync(call), StatusCode.Cancelled, "STORE_DISCARDED");
        Assert.That(await OfThisAsync(), Is.Empty);
    }

    [Test]
    public async Task PeerListener_OfACallForNobody_Refuses()
    {
        await using var cluster = await Cluster.StartAsync(1);
        await StageAsync(cluster[0], Id, Content(MiB));
        using var channel = global::Grpc.Net.Client.GrpcChannel.ForAddress($"http://{cluster.Address(0)}:{Cluster.PeerPort}");
        var stores = new StoresClient(channel);
        using var call = stores.StoreOutput(Request(Id, Target), cancellationToken: Deadline);
        AssertRefused(await EndAsync(call), StatusCode.PermissionDenied, "NOT_FOR_PEERS");
        AssertRefused(
            await Assert.ThrowsAsync<RpcException>(async () => await stores.ConfirmStoredAsync(Confirm(Id))),
            StatusCode.PermissionDenied, "NOT_FOR_PEERS");
        AssertRefused(
            await Assert.ThrowsAsync<RpcException>(async () => await stores.DiscardStoredAsync(Discard(Id))),
            StatusCode.PermissionDenied, "NOT_FOR_PEERS");
    }

    private static async Task<Cluster> StartPodsAsync(params string[] settings)
    {
        using var authority = new TestAuthority();
        var secrets = new[] { 0, 1 }.Select(pod =>
        {
            var secret = new SecretVolume(Place[NewId()]);
            using var certificate = authority.Issue(Cluster.Name(pod) + Suffix);
            secret.Publish(authority.ChainPem(certificate), TestAuthority.KeyPem(certificate), authority.RootPem);
            return secret;
        }).ToList();
        var cluster = Cluster.Create(
            2, (cluster, pod) => [.. secrets[pod].Settings, "--Peers:TrustedSuffix", Suffix, .. cluster.Static()], settings);
        await cluster.StartPodAsync(0);
        await cluster.StartPodAsync(1);
        await cluster.AllReachableAsync();
        return cluster;
    }

    private async Task<Cluster> StartSlowAsync(params string[] settings)
    {
        var cluster = await StartPodsAsync(settings);
        await StageAsync(cluster[1], Id, Content(12 * MiB));
        await Ceph.LimitAsync(SlowBytes);
        return cluster;
    }

    private async Task<ImportMessage> ImportAsync(SidecarInstance pod) => (await RunAsync(pod, new RunImportRequest
    {
        ImageId = Id, ImportId = NewId(), Stages = { "image_conversion" }, DeferConversion = true,
        OutputPlacement = OutputPlacement.BringHere,
    }))[^1];

    private StoreOutputRequest Request(string source, StoreTarget target) =>
        new() { SourceId = source, ImageId = Id, Store = Store, Target = target, Digests = { "md5" } };

    private DiscardStoredRequest Discard(string source) => new() { SourceId = source, ImageId = Id, Store = Store, Target = Target };

    private ConfirmStoredRequest Confirm(string source) => new() { SourceId = source, ImageId = Id, Store = Store };

    private AsyncServerStreamingCall<StoreOutputEvent> Begin(SidecarInstance pod, string source, StoreTarget? target = null) =>
        new StoresClient(pod.Channel).StoreOutput(Request(source, target ?? Target), cancellationToken: Deadline);

    private async Task<StoredImage> StoreAsync(SidecarInstance pod, string source)
    {
        using var call = Begin(pod, source);
        return (await call.ResponseStream.ReadAllAsync(Deadline).LastAsync(Deadline)).Image;
    }

    private async Task<RpcException?> FailAsync(SidecarInstance pod, string source, StoreTarget? target = null)
    {
        using var call = Begin(pod, source, target);
        return await EndAsync(call);
    }

    private async Task<byte[]> ExportAsync()
    {
        File.Delete(Place["export"]);
        await Ceph.RbdAsync("export", Id, Place["export"]);
        return await File.ReadAllBytesAsync(Place["export"], Deadline);
    }
}
