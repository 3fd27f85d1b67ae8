using Glance.Sidecar.V1;
using Grpc.Core;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.FunctionalTests.Stores;

/// <summary>What is refused before anything is written to any store.</summary>
internal sealed class StoreRequestTests : SidecarTest
{
    private static IEnumerable<TestCaseData> Invalid()
    {
        yield return Case("source_id", request => request.SourceId = "x");
        yield return Case("store", request => request.Store = "../ceph");
        yield return Case("store", request => request.Store = "");
        yield return Case("target", request => request.Target = null);
        yield return Case("rbd.pool", request => request.Target.Rbd.Pool = "");
        yield return Case("rbd.user", request => request.Target.Rbd.User = "a\nb");
        yield return Case("rbd.configuration_file", request => request.Target.Rbd.ConfigurationFile = "ceph.conf");
        yield return Case("rbd.order", request => request.Target.Rbd.Order = 40);
        yield return Case("rbd.connect_timeout", request => request.Target.Rbd.ConnectTimeout = new() { Seconds = -1 });
        yield return S3("s3.endpoint", s3 => s3.Endpoint = "s3.example");
        yield return S3("s3.endpoint", s3 => s3.Endpoint = "https://key:secret@s3.example");
        yield return S3("s3.endpoint", s3 => s3.Endpoint = "ftp://s3.example");
        yield return S3("s3.access_key", s3 => s3.AccessKey = "");
        yield return S3("s3.secret_key", s3 => s3.SecretKey = "a b");
        yield return S3("s3.bucket", s3 => s3.Bucket = "a/b");
        yield return S3("s3.region", s3 => s3.Region = "a b");
        yield return S3("s3.ca_certificates", s3 => s3.CaCertificates = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----");
        yield return Case("digests", request => request.Digests.Add("crc"));

        static TestCaseData S3(string field, Action<S3Target> change) => Case(field, request =>
        {
            request.Target = new StoreTarget
            {
                S3 = new S3Target { Endpoint = "https://s3.example", AccessKey = "key", SecretKey = "HiddenWord", Bucket = "images" },
            };
            change(request.Target.S3);
        });

        static TestCaseData Case(string field, Action<StoreOutputRequest> change) => new(field, change);
    }

    [TestCaseSource(nameof(Invalid))]
    public async Task StoreOutput_OfNoSense_IsRefusedByItsField(string field, Action<StoreOutputRequest> change)
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        var request = Request(NewId());
        change(request);
        var refusal = await FailAsync(sidecar, request);
        Assert.That(AssertRefused(refusal, StatusCode.InvalidArgument, "INVALID_REQUEST")["field"], Is.EqualTo(field));
        Assert.That(refusal!.Status.Detail + string.Concat(sidecar.Log), Does.Not.Contain("HiddenWord"));
    }

    [Test]
    public async Task StoreOutput_OfNothing_IsNotFound()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        AssertRefused(await FailAsync(sidecar, Request(NewId())), StatusCode.NotFound, "STORE_SOURCE_GONE");
    }

    private static StoreOutputRequest Request(string source) => new()
    {
        SourceId = source, Store = "ceph", Target = new StoreTarget { Rbd = new RbdTarget { Pool = "images", Order = 23 } },
    };

    private static async Task<RpcException?> FailAsync(SidecarInstance sidecar, StoreOutputRequest request)
    {
        var stores = new Glance.Sidecar.V1.Stores.StoresClient(sidecar.Channel);
        using var call = stores.StoreOutput(request, cancellationToken: Deadline);
        return await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(Deadline));
    }
}
