using Glance.Sidecar.V1;
using Google.Protobuf;
using Grpc.Core;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;
using Sidecar.Staging.Files;

namespace Sidecar.FunctionalTests.Clusters;

/// <summary>Holes on the wire: zeros that are not sent, and a kill between them.</summary>
internal sealed class TransferTests : SidecarTest
{
    private const int Mebibyte = 1 << 20;
    private const ulong HoleBytes = 64 << 20;

    [Test]
    public async Task Stage_KilledBehindAHole_GoesOnAndIsTheSameImage()
    {
        using var directory = TestDirectory.Create();
        var (id, data) = (NewId(), Content(Mebibyte));
        byte[] whole = [.. data, .. new byte[HoleBytes], .. data, .. new byte[HoleBytes]];
        await using (var sidecar = await SidecarInstance.StartAsync(directory.Path))
        {
            using var stage = new StageStream(sidecar.Uploads, Deadline);
            await stage.HeaderAsync(id, (ulong)whole.Length);
            await stage.ChunkAsync(data);
            await ZerosAsync(stage, HoleBytes, Mebibyte);
            await ReceivedAsync(sidecar, id, Mebibyte + HoleBytes);
            await sidecar.KillAsync();
        }

        await using var restarted = await SidecarInstance.StartAsync(directory.Path);
        var upload = await restarted.Staging.GetUploadAsync(new GetUploadRequest { ImageId = id });
        Assert.That(upload.ReceivedOffset, Is.EqualTo(Mebibyte + HoleBytes));
        using var resumed = new StageStream(restarted.Uploads, Deadline);
        await resumed.HeaderAsync(id, resumeOffset: upload.ReceivedOffset);
        await resumed.ChunkAsync(data, upload.ReceivedOffset);
        await ZerosAsync(resumed, HoleBytes);
        var crc = Crc32C.ToHex(Crc32C.Append(Crc32C.Empty, whole.AsSpan()));
        var sha256 = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(whole));
        var image = await resumed.FinishAsync((ulong)whole.Length, ("crc32c", crc), ("sha256", sha256));
        Assert.That(image.Digests["crc32c"], Is.EqualTo(crc));
        Assert.That(await ReadAsync(restarted, id), SameBytes.As(whole));
        Assert.That(await FileBlocks.AllocatedAsync(image.Path), Is.LessThan(4 * Mebibyte));
    }

    [Test]
    public async Task Stage_DataAndZerosInOneChunk_IsRefused()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        using var stage = new StageStream(sidecar.Uploads, Deadline);
        await stage.HeaderAsync(NewId());
        await stage.SendAsync(new StageRequest { Chunk = new StageChunk { Data = ByteString.CopyFrom(1), Zeros = 1 } });
        AssertRefused(await Assert.ThrowsAsync<RpcException>(() => stage.Result), StatusCode.InvalidArgument, "INVALID_REQUEST");
    }

    [Test]
    public async Task ReadImage_SkippingHoles_SendsTheDataAndSaysWhereTheFileEnds()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        var (id, data) = (NewId(), Content(Mebibyte));
        using (var stage = new StageStream(sidecar.Uploads, Deadline))
        {
            await stage.HeaderAsync(id);
            await ZerosAsync(stage, HoleBytes);
            await stage.ChunkAsync(data);
            await ZerosAsync(stage, HoleBytes);
            await stage.FinishAsync((2 * HoleBytes) + Mebibyte);
        }

        var end = (2 * HoleBytes) + Mebibyte;
        var chunks = await ChunksAsync(sidecar, new ReadImageRequest { ImageId = id, SkipHoles = true });
        Assert.That(chunks[0].TotalSize, Is.EqualTo(end));
        Assert.That(chunks[0].Offset, Is.EqualTo(HoleBytes));
        Assert.That(chunks.SelectMany(chunk => chunk.Data).ToArray(), SameBytes.As(data));
        Assert.That((chunks[^1].Offset, chunks[^1].Data.Length), Is.EqualTo((end, 0)));

        chunks = await ChunksAsync(sidecar, new ReadImageRequest { ImageId = id, SkipHoles = true, Length = 100 });
        Assert.That(chunks.Select(chunk => (chunk.Offset, chunk.Data.Length, chunk.TotalSize)), Is.EqualTo(new[] { (100ul, 0, end) }));
    }

    private static Task ZerosAsync(StageStream stage, ulong count, ulong? offset = null)
    {
        var chunk = new StageChunk { Zeros = count };
        if (offset is { } at) chunk.Offset = at;
        return stage.SendAsync(new StageRequest { Chunk = chunk });
    }

    private static async Task<List<ReadImageResponse>> ChunksAsync(SidecarInstance sidecar, ReadImageRequest request)
    {
        using var call = sidecar.Staging.ReadImage(request, cancellationToken: Deadline);
        return await call.ResponseStream.ReadAllAsync(Deadline).ToListAsync(Deadline);
    }
}
