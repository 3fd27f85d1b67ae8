using Glance.Sidecar.V1;
using Grpc.Core;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.FunctionalTests.Observability;

/// <summary>Traces as a collector gets them from real daemons.</summary>
internal sealed class TracingTests : ClusterTest
{
    private const string Trace = "0af7651916cd43dd8448eb211c80319c";
    private const string Caller = "b7ad6b7169203331";

    private static readonly Metadata Traced = new() { { "traceparent", $"00-{Trace}-{Caller}-01" } };

    [Test]
    public async Task ForwardedImport_IsOneTrace_FromTheCallerToEachStageAtTheOwner()
    {
        await using var collector = await OtlpCollector.StartAsync();
        await using var cluster = await StartAsync(collector, "--Import:Plugins:0", "image_decompression");
        var id = NewId();
        await StageAsync(cluster[0], id, Content(1 << 20));

        await ImportAsync(cluster[1], id);

        var stage = await SpanAsync(collector, "glance-0", "image_checksum");
        var import = await SpanAsync(collector, "glance-0", "import");
        var served = await SpanAsync(collector, "glance-0", "glance.sidecar.v1.Imports/RunImport");
        var sent = await SpanAsync(collector, "glance-1", "glance.sidecar.v1.Imports/RunImport", kind: 3);
        var asked = await SpanAsync(collector, "glance-1", "glance.sidecar.v1.Imports/RunImport", kind: 2);
        Assert.That(
            (asked.Parent, sent.Parent, served.Parent, import.Parent, stage.Parent),
            Is.EqualTo((Caller, asked.Id, sent.Id, served.Id, import.Id)));
        Assert.That(import.Attribute("glance.image.id"), Is.EqualTo(id));
        Assert.That(asked.Attribute("rpc.response.status_code"), Is.EqualTo("OK"));
    }

    [Test]
    public async Task RefusedImport_IsMarkedAsFailed_WithItsReason()
    {
        await using var collector = await OtlpCollector.StartAsync();
        await using var cluster = await StartAsync(collector);
        var id = NewId();
        await StageAsync(cluster[0], id, Content(1 << 20));

        await Assert.ThatAsync(async () => await ImportAsync(cluster[0], id, "qcow2"), Throws.InstanceOf<RpcException>());

        var import = await SpanAsync(collector, "glance-0", "import");
        Assert.That((import.Span.Status.Code, import.Attribute("error.type")), Is.EqualTo((2, "FORMAT_MISMATCH")));
    }

    private static async Task<Cluster> StartAsync(OtlpCollector collector, params string[] settings)
    {
        var cluster = Cluster.Create(2, (cluster, _) => ["--Peers:AllowPlaintext", "true", .. cluster.Static()], settings);
        cluster.Launcher = ["env", .. collector.Environment];
        try
        {
            for (var pod = 0; pod < 2; pod++) await cluster.StartPodAsync(pod);
            await cluster.AllReachableAsync();
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    private static async Task ImportAsync(SidecarInstance pod, string id, string format = "")
    {
        using var call = pod.Imports.RunImport(
            new RunImportRequest { ImageId = id, DiskFormat = format }, Traced, cancellationToken: Deadline);
        await foreach (var _ in call.ResponseStream.ReadAllAsync(Deadline)) continue;
    }

    private static async Task<SentSpan> SpanAsync(OtlpCollector collector, string pod, string name, int kind = 0)
    {
        while (true)
        {
            var found = collector.Spans.FirstOrDefault(span => span.Trace == Trace && span.Pod == pod
                && span.Span.Name == name && (kind == 0 || span.Span.Kind == kind));
            if (found is not null) return found;
            await Cluster.BetweenLooks();
        }
    }
}
