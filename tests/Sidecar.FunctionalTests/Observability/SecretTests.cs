using System.Text;
using Glance.Sidecar.V1;
using Grpc.Core;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.FunctionalTests.Observability;

/// <summary>What must not be told: tokens of callers and of the configuration, and what is in images.</summary>
internal sealed class SecretTests : ClusterTest
{
    private const string Secret = "s3cr3t-that-nobody-may-see";

    private static readonly Metadata Tokens = new()
    {
        { "authorization", "Bearer " + Secret }, { "x-auth-token", Secret }, { "secret-bin", Encoding.ASCII.GetBytes(Secret) },
    };

    [Test]
    public async Task Secrets_AreInNoLogMetricPageOrSpan_AtAnyLevel()
    {
        using var directory = TestDirectory.Create();
        await using var collector = await OtlpCollector.StartAsync();
        await using var sidecar = await SidecarInstance.StartUnderAsync(
            ["env", .. collector.Environment, $"OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20{Secret}"], directory.Path,
            "--Logging:LogLevel:Default", "Trace", "--Logging:LogLevel:Microsoft", "Trace",
            "--Import:Metadata:Inject:password", Secret);
        var id = NewId();

        await StageSecretAsync(sidecar, id);
        await ImportAsync(sidecar, id);
        await Assert.ThatAsync(async () => await sidecar.Staging.GetImageAsync(new GetImageRequest { ImageId = NewId() }, Tokens),
            Throws.InstanceOf<RpcException>());

        await UntilAsync(() => Task.FromResult(collector.Spans.ToList()), spans => spans.Any(span => span.Span.Name == "import"));
        using var pages = new HttpClient { BaseAddress = sidecar.Ops };
        List<string> told =
        [
            .. sidecar.Log, .. collector.Spans.Select(sent => sent.Span.ToString()),
            await pages.GetStringAsync("/metrics"), await pages.GetStringAsync("/status.json"),
        ];
        Assert.That(told.Where(text => text.Contains(Secret, StringComparison.OrdinalIgnoreCase)), Is.Empty);
        Assert.That(sidecar.Log.Count(line => line.Contains(id, StringComparison.Ordinal)), Is.GreaterThan(3), "it logs at all");
        Assert.That(collector.Authorizations, Has.All.EqualTo("Bearer " + Secret).And.Not.Empty, "the header is sent");
    }

    private static async Task StageSecretAsync(SidecarInstance sidecar, string id)
    {
        var content = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(Secret + "\n", 1000)));
        using var call = sidecar.Staging.Stage(Tokens, cancellationToken: Deadline);
        await call.RequestStream.WriteAsync(new StageRequest { Header = new StageHeader { ImageId = id } });
        var chunk = new StageChunk { Data = Google.Protobuf.ByteString.CopyFrom(content) };
        await call.RequestStream.WriteAsync(new StageRequest { Chunk = chunk });
        var finish = new StageFinish { TotalSize = (ulong)content.Length };
        await call.RequestStream.WriteAsync(new StageRequest { Finish = finish });
        await call.RequestStream.CompleteAsync();
        await call;
    }

    private static async Task ImportAsync(SidecarInstance sidecar, string id)
    {
        var request = new RunImportRequest { ImageId = id, Stages = { "image_decompression", "inject_image_metadata" } };
        using var call = sidecar.Imports.RunImport(request, Tokens, cancellationToken: Deadline);
        var last = await call.ResponseStream.ReadAllAsync(Deadline).LastAsync(Deadline);
        Assert.That(last.Import.Result.Properties.Values, Has.Member(Secret), "it is set all the same");
    }
}
