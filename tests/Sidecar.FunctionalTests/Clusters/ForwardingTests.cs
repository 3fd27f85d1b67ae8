using Glance.Sidecar.V1;
using Grpc.Core;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;
using ImportMessage = Glance.Sidecar.V1.Import;

namespace Sidecar.FunctionalTests.Clusters;

/// <summary>Calls through a pod that does not own what they are about.</summary>
internal sealed class ForwardingTests : ClusterTest
{
    [Test]
    public async Task EveryCall_ThroughAnotherPod_IsAnsweredByTheOwner()
    {
        await using var cluster = await Cluster.StartAsync(2);
        var (id, importId, content) = (NewId(), NewId(), Content(3 << 20));
        await StageAsync(cluster[1], id, content);
        var other = cluster[0];
        var image = await other.Staging.GetImageAsync(new GetImageRequest { ImageId = id });
        Assert.That((image.Owner, image.Size), Is.EqualTo(("glance-1", (ulong)content.Length)));
        Assert.That(await ReadAsync(other, id), SameBytes.As(content));
        Assert.That(await ReadAsync(other, id, offset: 1000, length: 1 << 20), SameBytes.As(content[1000..(1000 + (1 << 20))]));

        var run = new RunImportRequest { ImageId = id, ImportId = importId, Stages = { "image_checksum" }, DiskFormat = "raw" };
        var events = await RunAsync(other, run);
        Assert.That(events[^1].State, Is.EqualTo(ImportMessage.Types.State.Succeeded));
        Assert.That((events[^1].Owner, events[^1].Result.OutputOwner), Is.EqualTo(("glance-1", "glance-1")));
        Assert.That(
            (await other.Imports.GetImportAsync(new GetImportRequest { ImportId = importId })).Result, Is.EqualTo(events[^1].Result));
        Assert.That(await ReadAsync(other, id, importId), SameBytes.As(content));
        Assert.That((await RunAsync(other, run)).Single().Result, Is.EqualTo(events[^1].Result), "the same id attaches");
        var cancelled = await other.Imports.CancelImportAsync(new CancelImportRequest { ImportId = importId });
        Assert.That(cancelled.State, Is.EqualTo(ImportMessage.Types.State.Succeeded), "it has ended already");
        await other.Imports.ReleaseImportAsync(new ReleaseImportRequest { ImportId = importId, KeepImage = true });
        Assert.That(await ImagesAsync(cluster[1]), Is.EqualTo(new[] { id }));
        var deleted = await other.Staging.DeleteImageAsync(new DeleteImageRequest { ImageId = id });
        Assert.That((deleted.Existed, deleted.FreedBytes, deleted.PendingPeers.Count), Is.EqualTo((true, (ulong)content.Length, 0)));
        Assert.That(await ImagesAsync(cluster[1]), Is.Empty);
        Assert.That(
            await MetricAsync(other, "glance_staging_forwards_total{method=\"GetImage\",result=\"OK\"}"), Is.EqualTo(1));
    }

    [Test]
    public async Task Refusals_OfTheOwner_ArriveUnchanged()
    {
        await using var cluster = await Cluster.StartAsync(2);
        var id = NewId();
        await StageAsync(cluster[1], id, Content(100));
        await AssertSameRefusalAsync(
            cluster, StatusCode.OutOfRange, "OFFSET_MISMATCH", pod => ReadAsync(pod, id, offset: 101));
        await AssertSameRefusalAsync(
            cluster, StatusCode.InvalidArgument, "UNKNOWN_STAGE",
            pod => RunAsync(pod, new RunImportRequest { ImageId = id, Stages = { "image_magic" } }));
        await AssertSameRefusalAsync(
            cluster, StatusCode.FailedPrecondition, "FORMAT_MISMATCH",
            pod => RunAsync(pod, new RunImportRequest { ImageId = id, DiskFormat = "qcow2" }));
    }

    [Test]
    public async Task OwnerThatIsKilled_IsNamed_AndTheSameCallWorksWhenItIsBack()
    {
        await using var cluster = await Cluster.StartAsync(2);
        var (id, content) = (NewId(), Content(100));
        await StageAsync(cluster[1], id, content);
        var request = new GetImageRequest { ImageId = id };
        await cluster[0].Staging.GetImageAsync(request);
        await cluster.KillPodAsync(1);
        var facts = AssertRefused(
            await Assert.ThrowsAsync<RpcException>(async () => await cluster[0].Staging.GetImageAsync(request)),
            StatusCode.Unavailable, "OWNER_UNREACHABLE");
        Assert.That(facts["owner"], Is.EqualTo("glance-1"));
        AssertRefused(
            await Assert.ThrowsAsync<RpcException>(() => ReadAsync(cluster[0], id)), StatusCode.Unavailable, "OWNER_UNREACHABLE");
        AssertRefused(
            await Assert.ThrowsAsync<RpcException>(() => RunAsync(cluster[0], new RunImportRequest { ImageId = id })),
            StatusCode.Unavailable, "OWNER_UNREACHABLE");
        await cluster.StartPodAsync(1);
        Assert.That((await cluster[0].Staging.GetImageAsync(request)).Owner, Is.EqualTo("glance-1"));
        Assert.That(await ReadAsync(cluster[0], id), SameBytes.As(content));
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task ForwardedRequest_ForWhatIsElsewhere_GoesNoFurther(bool inTheMessage)
    {
        await using var cluster = await Cluster.StartAsync(2);
        var id = NewId();
        await StageAsync(cluster[1], id, Content(100));
        var forwarded = inTheMessage ? new Forwarded { By = "glance-9", Instance = "other" } : null;
        var metadata = new Metadata();
        if (!inTheMessage) metadata.Add("glance-sidecar-forwarded-by", "glance-9");
        var pod = cluster[0];
        AssertRefused(
            await Assert.ThrowsAsync<RpcException>(async () => await pod.Staging.GetImageAsync(
                new GetImageRequest { ImageId = id, OwnerHint = "glance-1", Forwarded = forwarded }, metadata)),
            StatusCode.NotFound, "IMAGE_NOT_FOUND");
        AssertRefused(
            await Assert.ThrowsAsync<RpcException>(async () => await pod.Imports
                .RunImport(new RunImportRequest { ImageId = id, OwnerHint = "glance-1", Forwarded = forwarded }, metadata)
                .ResponseStream.MoveNext(Deadline)),
            StatusCode.NotFound, "IMAGE_NOT_FOUND");
        await pod.Staging.DeleteImageAsync(new DeleteImageRequest { ImageId = id, Forwarded = forwarded }, metadata);
        Assert.That(await ImagesAsync(cluster[1]), Is.EqualTo(new[] { id }), "nothing was deleted elsewhere");
        Assert.That(Count(pod, "was forwarded to"), Is.Zero);
        Assert.That(await MetricAsync(pod, "glance_staging_forwards_not_here_total"), Is.EqualTo(2));
    }

    [Test]
    public async Task TwoPods_WithAStaleMemoryOfEachOther_DoNotLoop()
    {
        await using var cluster = await Cluster.StartAsync(2);
        var (first, second) = (NewId(), NewId());
        foreach (var (pod, id) in new[] { (1, first), (0, second) })
        {
            await StageAsync(cluster[pod], id, Content(10));
            await cluster[1 - pod].Staging.GetImageAsync(new GetImageRequest { ImageId = id });
            await cluster[pod].Staging.DeleteImageAsync(new DeleteImageRequest { ImageId = id, OnlyHere = true });
        }

        foreach (var (pod, id) in new[] { (0, first), (1, second) })
        {
            AssertRefused(
                await Assert.ThrowsAsync<RpcException>(
                    async () => await cluster[pod].Staging.GetImageAsync(new GetImageRequest { ImageId = id })),
                StatusCode.NotFound, "IMAGE_NOT_FOUND");
        }

        // Each was asked for once in good time and once by a memory that was wrong, and sent nothing on.
        foreach (var pod in new[] { 0, 1 })
        {
            Assert.That(await MetricAsync(cluster[pod], "glance_staging_forwards_not_here_total"), Is.EqualTo(1));
            await LoggedAsync(cluster[pod], "was forwarded to", 2);
        }
    }

    [Test]
    public async Task PeerListener_RefusesWhatIsForCallersInThePod()
    {
        await using var cluster = await Cluster.StartAsync(1);
        using var channel = global::Grpc.Net.Client.GrpcChannel.ForAddress($"http://{cluster.Address(0)}:{Cluster.PeerPort}");
        var staging = new Glance.Sidecar.V1.Staging.StagingClient(channel);
        AssertRefused(
            await Assert.ThrowsAsync<RpcException>(async () => await staging.AdoptFileAsync(
                new AdoptFileRequest { ImageId = NewId(), Path = "/etc/passwd" })),
            StatusCode.PermissionDenied, "NOT_FOR_PEERS");
        using var download = new Glance.Sidecar.V1.Downloads.DownloadsClient(channel).DownloadImage(
            new DownloadImageRequest { ImageId = NewId(), Url = "http://images.example.org/" });
        var unknown = await Assert.ThrowsAsync<RpcException>(() => download.ResponseStream.MoveNext(Deadline));
        Assert.That(unknown!.StatusCode, Is.EqualTo(StatusCode.Unimplemented), "no such service there");
    }

    [Test]
    public async Task CallersDeadline_PassesToTheCaller_WhenTheOwnerIsFrozen()
    {
        await using var cluster = await Cluster.StartAsync(2);
        var id = NewId();
        await StageAsync(cluster[1], id, Content(10));
        var request = new GetImageRequest { ImageId = id };
        await cluster[0].Staging.GetImageAsync(request);
        cluster[1].Signal("STOP");
        var refusal = await Assert.ThrowsAsync<RpcException>(
            async () => await cluster[0].Staging.GetImageAsync(request, deadline: DateTime.UtcNow.AddMilliseconds(300)));
        Assert.That(refusal!.StatusCode, Is.EqualTo(StatusCode.DeadlineExceeded));
        cluster[1].Signal("CONT");
    }

    [Test]
    public async Task WhatTheCallerSaysBesideTheRequest_ReachesTheOwner()
    {
        await using var cluster = await Cluster.StartAsync(2);
        await cluster.KillPodAsync(1);
        await using var owner = await FakePeer.StartAsync(cluster.Address(1), "glance-1");
        const string trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        var metadata = new Metadata
        {
            { "x-openstack-request-id", "req-42" }, { "traceparent", trace }, { "authorization", "secret" },
        };
        var deadline = DateTime.UtcNow.AddMinutes(1);
        await cluster[0].Staging.GetImageAsync(
            new GetImageRequest { ImageId = NewId(), OwnerHint = "glance-1" }, metadata, deadline);
        var (request, headers, passed) = owner.Asked;
        Assert.That((request.Forwarded.By, headers.GetValue("glance-sidecar-forwarded-by")), Is.EqualTo(("glance-0", "glance-0")));
        Assert.That((headers.GetValue("x-openstack-request-id"), headers.GetValue("traceparent")), Is.EqualTo(("req-42", trace)));
        Assert.That(headers.GetValue("authorization"), Is.Null, "secrets stay here");
        Assert.That(passed, Is.EqualTo(deadline).Within(TimeSpan.FromSeconds(30)), "the deadline, however slow the machine");
        await LoggedAsync(cluster[0], "request req-42", 1);
    }

    private static async Task AssertSameRefusalAsync(
        Cluster cluster, StatusCode code, string reason, Func<SidecarInstance, Task> call)
    {
        var facts = new List<IDictionary<string, string>>();
        var texts = new List<string>();
        foreach (var pod in new[] { 1, 0 })
        {
            var refusal = await Assert.ThrowsAsync<RpcException>(() => call(cluster[pod]));
            facts.Add(AssertRefused(refusal, code, reason));
            texts.Add(refusal!.Status.Detail);
        }

        Assert.That(facts[0], Is.Not.Empty.And.EqualTo(facts[1]));
        Assert.That(texts[0], Is.EqualTo(texts[1]));
    }
}
