using Glance.Sidecar.V1;
using Grpc.Core;
using Stagectl.Failures;
using Stagectl.Progress;

namespace Stagectl.Transfer;

/// <summary>
/// Sends one image, however often the connection breaks. Before every attempt but the first of a new image it asks the
/// sidecar what it has: nothing (begin), a part (go on there) or all of it (compare, done). The CRC-32C of the whole
/// image goes with the finish, so that parts of different files never become one image.
/// </summary>
internal sealed class Upload(
    Invocation invocation, UploadRequest request, UploadSource source, RetryBackoff patience, IProgressDisplay display)
{
    private const string AlreadyStaged = "ALREADY_STAGED";
    private const string OffsetMismatch = "OFFSET_MISMATCH";

    private long _confirmed;

    /// <summary>The sidecar may hold a part of the image.</summary>
    public bool Begun { get; private set; }

    /// <exception cref="RpcException">The sidecar refuses, or cannot be reached for too long.</exception>
    public async Task<StagedImage> RunAsync()
    {
        var locate = request.MayExist;
        while (true)
        {
            try
            {
                var found = locate ? await LocateAsync() : Found.Nothing;
                return found.Image is { } image ? await CompareAsync(image) : await SendAsync(found.Offset);
            }
            catch (RpcException failure) when (Failure.ReasonOf(failure) is AlreadyStaged or OffsetMismatch)
            {
                // An earlier call of ours went further than we knew: its answer was lost, or it took in what was still
                // under way. Or it was somebody else's, which the comparison will tell.
                if (!await patience.WaitAsync(failure, invocation.Interrupted)) throw;
            }
            catch (RpcException failure) when (Transient.Is(failure, invocation.Interrupted))
            {
                if (!await patience.WaitAsync(failure, invocation.Interrupted)) throw;
                display.Note($"Broke off at {source.Offset}, trying again: {Failure.TextOf(failure)}");
            }

            locate = true;
        }
    }

    private async Task<Found> LocateAsync()
    {
        var upload = await LocalUpload.FindAsync(invocation.Client.Staging, request.ImageId, invocation.Call);
        patience.Contact();
        if (upload is not null) return Resumable(upload);
        try
        {
            return new Found(null, await invocation.Client.Staging.GetImageAsync(
                new GetImageRequest { ImageId = request.ImageId }, invocation.Call));
        }
        catch (RpcException failure) when (failure.StatusCode == StatusCode.NotFound)
        {
            await NoteUploadElsewhereAsync();
            return Found.Nothing;
        }
    }

    private async Task NoteUploadElsewhereAsync()
    {
        try
        {
            var upload = await invocation.Client.Staging.GetUploadAsync(
                new GetUploadRequest { ImageId = request.ImageId }, invocation.Call);
            if (upload.ReceivedOffset == 0) return;
            display.Note(
                $"Pod {upload.Owner} has {upload.ReceivedOffset} bytes of image {request.ImageId}; that upload can only be "
                + "resumed there, so this one starts over.");
        }
        catch (RpcException)
        {
            // None, or nobody knows: this upload does not depend on it.
        }
    }

    private Found Resumable(Glance.Sidecar.V1.Upload upload)
    {
        if (upload.State == Glance.Sidecar.V1.Upload.Types.State.Failed)
        {
            display.Note($"The earlier upload cannot be resumed, starting over: {upload.Failure}");
            return Found.Nothing;
        }

        if (upload.HasDeclaredSize && source.Size is { } size && (long)upload.DeclaredSize != size)
        {
            throw new CommandException(Failure.Refused(
                StatusCode.FailedPrecondition,
                "SIZE_DIFFERS",
                $"The unfinished upload of image {request.ImageId} is of {upload.DeclaredSize} bytes, and "
                + $"{request.Label} has {size}. Discard it with 'stagectl abort {request.ImageId}' to start over."));
        }

        var offset = (long)upload.ReceivedOffset;
        if (offset > _confirmed) patience.Progress();
        _confirmed = offset;
        Begun = true;
        display.Note($"Resuming the upload of image {request.ImageId} at {offset}.");
        return new Found(offset, null);
    }

    private async Task<StagedImage> CompareAsync(StagedImage image)
    {
        await source.SkipToEndAsync(invocation.Interrupted);
        var crc32C = Sidecar.Staging.Files.Crc32C.ToHex(source.Crc32C);
        if ((long)image.Size != source.Offset || image.Digests[Sidecar.Staging.Files.Crc32C.Name] != crc32C)
        {
            throw new CommandException(Failure.Refused(
                StatusCode.AlreadyExists,
                AlreadyStaged,
                $"Image {image.ImageId} is staged already, and is not {request.Label}: it has {image.Size} bytes and "
                + $"crc32c {image.Digests[Sidecar.Staging.Files.Crc32C.Name]}, not {source.Offset} and {crc32C}."));
        }

        display.Note($"Image {image.ImageId} is staged already, with the same size and crc32c.");
        return image;
    }

    private async Task<StagedImage> SendAsync(long? resumeOffset)
    {
        await source.SeekAsync(resumeOffset ?? 0, invocation.Interrupted);
        using var call = invocation.Client.Staging.Stage(invocation.Call);
        await call.RequestStream.WriteAsync(new StageRequest { Header = CreateHeader(resumeOffset) }, invocation.Interrupted);
        patience.Contact();
        Begun = true;
        Show(StageProgress.Types.State.Running);
        await SendChunksAsync(call.RequestStream);
        var finish = new StageFinish { TotalSize = (ulong)source.Offset };
        if (request.Checksums)
        {
            finish.ExpectedDigests[Sidecar.Staging.Files.Crc32C.Name] = Sidecar.Staging.Files.Crc32C.ToHex(source.Crc32C);
        }

        await call.RequestStream.WriteAsync(new StageRequest { Finish = finish }, invocation.Interrupted);
        await call.RequestStream.CompleteAsync();
        var image = await call.ResponseAsync;
        Show(StageProgress.Types.State.Succeeded);
        return image;
    }

    private StageHeader CreateHeader(long? resumeOffset)
    {
        var header = new StageHeader
        {
            ImageId = request.ImageId, ProjectId = request.ProjectId, DiskFormat = request.DiskFormat,
            ContainerFormat = request.ContainerFormat, ExpectedDigests = { request.Digests.ToDictionary() },
        };
        if (source.Size is { } size) header.DeclaredSize = (ulong)size;
        if (resumeOffset is { } offset) header.ResumeOffset = (ulong)offset;
        return header;
    }

    private async Task SendChunksAsync(IClientStreamWriter<StageRequest> stream)
    {
        var buffer = new byte[request.ChunkBytes];
        while (true)
        {
            var offset = source.Offset;
            var read = await source.ReadAsync(buffer, invocation.Interrupted);
            if (read == 0) return;
            // The buffer is free again when the write returns: the message is serialised by then.
            var chunk = new StageChunk
            {
                Offset = (ulong)offset,
                Data = Google.Protobuf.UnsafeByteOperations.UnsafeWrap(buffer.AsMemory(0, read)),
            };
            if (request.Checksums) chunk.Crc32C = Sidecar.Staging.Files.Crc32C.Append(0, buffer.AsSpan(0, read));
            await stream.WriteAsync(new StageRequest { Chunk = chunk }, invocation.Interrupted);
            Show(StageProgress.Types.State.Running);
        }
    }

    private void Show(StageProgress.Types.State state) => display.Show(new StageProgress
    {
        Name = request.Label, State = state, BytesDone = (ulong)source.Offset, BytesTotal = (ulong)(source.Size ?? 0),
    });

    /// <summary>What the sidecar has of the image.</summary>
    private readonly record struct Found(long? Offset, StagedImage? Image)
    {
        public static Found Nothing => default;
    }
}
