using Glance.Sidecar.V1;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Win32.SafeHandles;
using Sidecar.Import;
using Sidecar.Staging;

namespace Sidecar.Rpc;

/// <summary>Sends the bytes of a staged image, or of an import's output, in checked chunks.</summary>
internal sealed class ImageReader(StagingArea area, ImportQueue imports)
{
    private const int ChunkBytes = 512 << 10; // several fit into a client's flow-control window

    public async Task SendAsync(
        ReadImageRequest request, IServerStreamWriter<ReadImageResponse> stream, CancellationToken cancellationToken)
    {
        using var file = Open(request);
        var total = RandomAccess.GetLength(file);
        var offset = Messages.ToLength(request.Offset);
        if (offset > total)
        {
            throw new StagingException(
                StagingError.OffsetMismatch, $"Offset {offset} is past the end: the file has {total} bytes.",
                ("offset", total));
        }

        var wanted = request.Length == 0 ? long.MaxValue : Messages.ToLength(request.Length);
        await SendAsync(file, offset, offset + Math.Min(wanted, total - offset), total, stream, cancellationToken);
    }

    private static async Task SendAsync(
        SafeFileHandle file, long offset, long end, long total, IServerStreamWriter<ReadImageResponse> stream,
        CancellationToken cancellationToken)
    {
        var first = true;
        var buffer = GC.AllocateUninitializedArray<byte>((int)Math.Clamp(end - offset, 1, ChunkBytes));
        while (offset < end || first)
        {
            var read = RandomAccess.Read(file, buffer.AsSpan(0, (int)Math.Min(end - offset, buffer.Length)), offset);
            if (read == 0 && offset < end) throw new IOException($"The file ends at {offset}, before {end}.");
            var message = new ReadImageResponse
            {
                Offset = (ulong)offset,
                // The buffer is free again when WriteAsync returns, as the message is serialised by then.
                Data = UnsafeByteOperations.UnsafeWrap(buffer.AsMemory(0, read)),
                Crc32C = Crc32C.Append(Crc32C.Empty, buffer.AsSpan(0, read)),
            };
            if (first) message.TotalSize = (ulong)total;
            await stream.WriteAsync(message, cancellationToken);
            first = false;
            offset += read;
        }
    }

    private SafeFileHandle Open(ReadImageRequest request)
    {
        var id = ImageId.Parse(request.ImageId);
        try
        {
            var path = request.ImportId.Length == 0
                ? area.Layout.ImageFile(area.GetImage(id).Id)
                : OutputPath(id, request.ImportId);
            return File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        }
        catch (FileNotFoundException)
        {
            throw new StagingException(
                StagingError.ImageNotFound, $"The file of image {id} is gone: it was deleted on the volume.");
        }
    }

    private string OutputPath(ImageId id, string importId)
    {
        var import = imports.Get(ImportMessages.ToImportId(importId));
        if (import.Request.ImageId == id && import.Result is { } result) return result.OutputPath;
        throw new ImportException(
            ImportError.InvalidRequest,
            $"Import {import.ImportId} has no output of image {id}: it is of image {import.Request.ImageId}, in state "
            + $"{import.State}.",
            ("field", "import_id"));
    }
}
