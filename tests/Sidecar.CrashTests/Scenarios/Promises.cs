using Glance.Sidecar.V1;
using Grpc.Core;
using Sidecar.FunctionalTests.Infrastructure;
using ImportMessage = Glance.Sidecar.V1.Import;

namespace Sidecar.CrashTests.Scenarios;

/// <summary>Asks a daemon whether it keeps what was acknowledged of some images.</summary>
/// <param name="point">The number of file operations that had happened when it ended.</param>
internal sealed class Promises(SidecarInstance sidecar, TestDirectory directory, long point, CancellationToken deadline)
{
    private readonly List<string> _broken = [];

    /// <returns>What is broken, one line each.</returns>
    public async Task<IReadOnlyList<string>> CheckAsync(IEnumerable<Life> lives)
    {
        var images = await sidecar.Staging.ListImages(new ListImagesRequest(), cancellationToken: deadline).ResponseStream
            .ReadAllAsync(deadline).Select(image => image.ImageId).ToListAsync(deadline);
        foreach (var life in lives)
        {
            await CheckAsync(life, images.Contains(life.Id));
            await CheckImportAsync(life);
        }

        return _broken;
    }

    private async Task CheckAsync(Life life, bool isThere)
    {
        if (isThere)
        {
            Expect((await ReadAsync(life.Id)).AsSpan().SequenceEqual(life.Content), life, "has other bytes");
            Expect(new FileInfo(Path.Combine(directory.Staging, life.Id)).Length == life.Content.Length, life, "has a file of another length");
        }

        if (life.RemovedAt <= point)
        {
            Expect(!isThere, life, "was deleted, and is there");
        }
        else if (life.StagedAt <= point && life.RemovalAskedAt > point)
        {
            Expect(isThere, life, "was acknowledged, and is gone");
        }
        else if (!isThere && life.RemovalAskedAt > point && life.DurableAt(point) is > 0 and var durable)
        {
            await CheckUploadAsync(life, durable);
        }
    }

    private async Task CheckUploadAsync(Life life, ulong durable)
    {
        try
        {
            var upload = await sidecar.Staging.GetUploadAsync(new GetUploadRequest { ImageId = life.Id }, cancellationToken: deadline);
            if (upload.State == Upload.Types.State.Failed) return; // reported as lost
            Expect(upload.ReceivedOffset >= durable, life, $"has {upload.ReceivedOffset} bytes, {durable} were said to be durable");
            using var stage = new StageStream(sidecar.Uploads, deadline);
            await stage.HeaderAsync(life.Id, resumeOffset: upload.ReceivedOffset);
            await stage.ContentAsync(life.Content.AsMemory((int)upload.ReceivedOffset));
            await stage.FinishAsync((ulong)life.Content.Length);
            Expect((await ReadAsync(life.Id)).AsSpan().SequenceEqual(life.Content), life, "was resumed, and has other bytes");
        }
        catch (RpcException refused)
        {
            _broken.Add($"{life.Id} was durable up to {durable}, and cannot be resumed: {refused.Status}");
        }
    }

    private async Task CheckImportAsync(Life life)
    {
        if (life.ImportedAt > point || life.ReleaseAskedAt <= point) return;
        try
        {
            var import = await sidecar.Imports.GetImportAsync(new GetImportRequest { ImportId = life.ImportId }, cancellationToken: deadline);
            Expect(import.State == ImportMessage.Types.State.Succeeded, life, $"was imported, and the import is {import.State}");
            if (import.State != ImportMessage.Types.State.Succeeded) return;
            Expect((await ReadAsync(life.Id, life.ImportId)).AsSpan().SequenceEqual(ImportAndRelease.Raw()), life, "has another output");
        }
        catch (RpcException refused)
        {
            _broken.Add($"{life.Id} was imported, and the import cannot be read: {refused.Status}");
        }
    }

    private async Task<byte[]> ReadAsync(string image, string import = "")
    {
        using var bytes = new MemoryStream();
        using var call = sidecar.Staging.ReadImage(new ReadImageRequest { ImageId = image, ImportId = import }, cancellationToken: deadline);
        await foreach (var part in call.ResponseStream.ReadAllAsync(deadline)) bytes.Write(part.Data.Span);
        return bytes.ToArray();
    }

    private void Expect(bool holds, Life life, string otherwise)
    {
        if (!holds) _broken.Add($"{life.Id} {otherwise}");
    }
}
