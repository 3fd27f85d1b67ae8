using System.Globalization;
using Glance.Sidecar.V1;
using Google.Rpc;
using Grpc.Core;
using NUnit.Framework;

namespace Sidecar.FunctionalTests.Infrastructure;

/// <summary>What the functional tests share: contents, whole uploads and reads, and errors looked into.</summary>
[CancelAfter(120_000)]
internal abstract class SidecarTest
{
    protected static CancellationToken Deadline => TestContext.CurrentContext.CancellationToken;

    protected static string NewId() => Guid.NewGuid().ToString("D");

    protected static byte[] Content(int length, int seed = 1)
    {
        var content = new byte[length];
        new Random(seed).NextBytes(content);
        return content;
    }

    protected static async Task<StagedImage> StageAsync(SidecarInstance sidecar, string id, byte[] content)
    {
        using var stage = new StageStream(sidecar.Uploads, Deadline);
        await stage.HeaderAsync(id, (ulong)content.Length);
        await stage.ContentAsync(content);
        return await stage.FinishAsync((ulong)content.Length);
    }

    protected static async Task<byte[]> ReadAsync(
        SidecarInstance sidecar, string id, string importId = "", ulong offset = 0, ulong length = 0)
    {
        using var bytes = new MemoryStream();
        var request = new ReadImageRequest { ImageId = id, ImportId = importId, Offset = offset, Length = length };
        using var call = sidecar.Staging.ReadImage(request, cancellationToken: Deadline);
        await foreach (var part in call.ResponseStream.ReadAllAsync(Deadline))
        {
            Assert.That(part.Offset, Is.EqualTo(offset + (ulong)bytes.Length));
            bytes.Write(part.Data.Span);
        }

        return bytes.ToArray();
    }

    /// <summary>Waits until the server has received so much; asks, as the API has no other way to learn it.</summary>
    protected static async Task<Upload> ReceivedAsync(SidecarInstance sidecar, string id, ulong offset)
    {
        while (true)
        {
            Deadline.ThrowIfCancellationRequested();
            try
            {
                var upload = await sidecar.Staging.GetUploadAsync(new GetUploadRequest { ImageId = id });
                if (upload.ReceivedOffset >= offset) return upload;
            }
            catch (RpcException notYet) when (notYet.StatusCode == StatusCode.NotFound)
            {
                // It has not begun.
            }

            await Cluster.BetweenLooks();
        }
    }

    /// <summary>Asserts status and reason; answers the facts.</summary>
    protected static IDictionary<string, string> AssertRefused(
        RpcException? refusal, StatusCode code, string reason)
    {
        Assert.That(refusal, Is.Not.Null);
        Assert.That(refusal!.StatusCode, Is.EqualTo(code), refusal.Status.Detail);
        // As .NET tells the name of a file; and no caller knows what the sidecar keeps.
        Assert.That(refusal.Status.Detail, Does.Not.Contain(" : '/").And.Not.Contain("/.sidecar/"));
        var details = refusal.Trailers.GetValueBytes("grpc-status-details-bin");
        Assert.That(details, Is.Not.Null, "details");
        var info = Google.Rpc.Status.Parser.ParseFrom(details).Details[0].Unpack<ErrorInfo>();
        Assert.That((info.Domain, info.Reason), Is.EqualTo(("glance.sidecar", reason)));
        return info.Metadata;
    }

    protected static long Number(IDictionary<string, string> facts, string name) =>
        long.Parse(facts[name], CultureInfo.InvariantCulture);
}
