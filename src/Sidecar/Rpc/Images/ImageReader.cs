using Glance.Sidecar.V1;
using Grpc.Core;
using Microsoft.Win32.SafeHandles;
using Sidecar.Import.Core;
using Sidecar.Import.Queue;
using Sidecar.Peers.Transfer;
using Sidecar.Rpc.Messages;
using Sidecar.Staging;
using Sidecar.Staging.Core;
using Sidecar.Staging.Files;

namespace Sidecar.Rpc.Images;

/// <summary>Sends the bytes of a staged image, or of an import's output, in checked chunks.</summary>
internal sealed class ImageReader(
    StagingArea area, ImportQueue imports, StagingMetrics staging, TransferMetrics metrics)
{
    /// <summary>What this pod's tables say that the request names.</summary>
    public Task SendAsync(
        ReadImageRequest request, IServerStreamWriter<ReadImageResponse> stream, CancellationToken cancellationToken) =>
        SendAsync(PathOf(request), request, stream, cancellationToken);

    /// <summary>A file that is known to be what the request names.</summary>
    public async Task<bool> SendAsync(
        string path, ReadImageRequest request, IServerStreamWriter<ReadImageResponse> stream,
        CancellationToken cancellationToken)
    {
        using var file = Open(path, request);
        var total = RandomAccess.GetLength(file);
        var offset = StagingMessages.ToLength(request.Offset);
        if (offset > total)
        {
            throw new StagingException(
                StagingError.OffsetMismatch, $"Offset {offset} is past the end: the file has {total} bytes.",
                ("offset", total));
        }

        var wanted = request.Length == 0 ? long.MaxValue : StagingMessages.ToLength(request.Length);
        var end = offset + Math.Min(wanted, total - offset);
        var isTransfer = request.Forwarded is not null && request.SkipHoles && request.ImportId.Length > 0;
        await using var chunks = new ChunkSender(
            file, total, stream, isTransfer ? metrics.OutputSent : bytes => staging.Read("local", bytes));
        if (!request.SkipHoles) await chunks.SendAsync(offset, end, cancellationToken);
        else await SendDataAsync(file, chunks, offset, end, cancellationToken);
        await chunks.FinishAsync(end, cancellationToken);
        return true;
    }

    private static async Task SendDataAsync(
        SafeFileHandle file, ChunkSender chunks, long offset, long end, CancellationToken cancellationToken)
    {
        while (offset < end)
        {
            (offset, var stop) = Posix.NextData(file, offset, end);
            await chunks.SendAsync(offset, stop, cancellationToken);
            offset = stop;
        }
    }

    private string PathOf(ReadImageRequest request)
    {
        var id = ImageId.Parse(request.ImageId);
        return request.ImportId.Length == 0
            ? area.Layout.ImageFile(area.GetImage(id).Id)
            : OutputPath(id, request.ImportId);
    }

    private static SafeFileHandle Open(string path, ReadImageRequest request)
    {
        try
        {
            return RegularFile.OpenToRead(path);
        }
        catch (FileNotFoundException gone)
        {
            throw new StagingException(
                StagingError.ImageNotFound,
                $"The file of image {request.ImageId} is gone: it was deleted or replaced on the volume. Stage it again.",
                gone);
        }
    }

    private string OutputPath(ImageId id, string importId)
    {
        var import = imports.Get(ImportIds.Parse(importId));
        if (import.Request.ImageId == id && import.Result is { } result)
        {
            return result.Deferred is null ? result.OutputPath : throw Deferred(import.ImportId);
        }

        throw new ImportException(
            ImportError.InvalidRequest,
            $"Import {import.ImportId} has no output of image {id}: it is of image {import.Request.ImageId}, in state "
            + $"{import.State}.",
            ("field", "import_id"));
    }

    private static ImportException Deferred(Guid importId) => new(
        ImportError.OutputDeferred,
        $"The output of import {importId} is made only while it is written to a store (defer_conversion), so there is nothing to read: "
        + "ask its owner to store it, or import the image without defer_conversion.",
        ("import_id", importId));
}
