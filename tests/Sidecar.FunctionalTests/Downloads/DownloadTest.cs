using Glance.Sidecar.V1;
using Grpc.Core;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.FunctionalTests.Downloads;

/// <summary>What the tests of downloads share: calls, and that nothing is left of those that failed.</summary>
internal abstract class DownloadTest : SidecarTest
{
    protected const int MiB = 1 << 20;
    protected const string Tag = "\"one\"";

    /// <summary>Small parts and short waits.</summary>
    protected static string[] Settings =>
        ["--Downloads:SegmentBytes", $"{MiB}", "--Downloads:RetryDelay", "00:00:00.0100000", "--Downloads:Attempts", "3"];

    protected static Glance.Sidecar.V1.Downloads.DownloadsClient Client(SidecarInstance sidecar) => new(sidecar.Channel);

    protected static DownloadImageRequest Request(string id, Uri url) => new()
    {
        ImageId = id, Url = url.OriginalString, Rules = new DownloadRules { AllowedHosts = { "127.0.0.1" } },
    };

    protected static Task<StagedImage> DownloadAsync(SidecarInstance sidecar, string id, Uri url) =>
        DownloadAsync(sidecar, Request(id, url));

    protected static async Task<StagedImage> DownloadAsync(SidecarInstance sidecar, DownloadImageRequest request)
    {
        using var call = Client(sidecar).DownloadImage(request, cancellationToken: Deadline);
        var last = await call.ResponseStream.ReadAllAsync(Deadline).LastAsync(Deadline);
        Assert.That(last.BytesDone, Is.EqualTo(last.Image.Size));
        return last.Image;
    }

    /// <summary>Asserts that it fails with this reason, and that nothing is left of it; answers the facts.</summary>
    protected static async Task<IDictionary<string, string>> AssertFailsAsync(
        SidecarInstance sidecar, DownloadImageRequest request, StatusCode code, string reason)
    {
        var facts = AssertRefused(await Assert.ThrowsAsync<RpcException>(() => DownloadAsync(sidecar, request)), code, reason);
        await AssertNothingIsLeftAsync(sidecar, request.ImageId);
        return facts;
    }

    protected static async Task AssertNothingIsLeftAsync(SidecarInstance sidecar, string id)
    {
        AssertRefused(
            await Assert.ThrowsAsync<RpcException>(async () => await sidecar.Staging.GetUploadAsync(new GetUploadRequest { ImageId = id })),
            StatusCode.NotFound, "UPLOAD_NOT_FOUND");
        AssertRefused(
            await Assert.ThrowsAsync<RpcException>(async () => await sidecar.Staging.GetImageAsync(new GetImageRequest { ImageId = id })),
            StatusCode.NotFound, "IMAGE_NOT_FOUND");
    }
}
