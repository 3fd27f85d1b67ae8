using Microsoft.Win32.SafeHandles;
using Sidecar.Staging.Core;
using Sidecar.Staging.Files;
using Sidecar.Staging.Hashing;
using Sidecar.Staging.Space;
using Sidecar.Staging.Uploads;

namespace Sidecar.Staging;

/// <summary>
/// Takes over a file that lies on the volume already: by rename on the same file system, else by reflink or copy,
/// after which the original is removed. The file is read once for its digests and made durable, then published as a
/// commit is.
/// </summary>
internal sealed class FileAdoption(
    StagingContext context, SpaceLedger space, HeldReservations reservations, UploadCommit commit)
{
    private const int CopyBlockBytes = 1 << 20;

    /// <summary>Makes sure that the path may be taken over, and answers it in canonical form.</summary>
    /// <exception cref="StagingException">AdoptRefused, LengthMismatch, InvalidRequest.</exception>
    public FileInfo Check(AdoptRequest request)
    {
        if (request.File.Contains('\0')) throw Refused(request, "has a name with a NUL character");
        if (!Path.IsPathFullyQualified(request.File) || Path.GetFullPath(request.File) != request.File)
        {
            throw Refused(request, "is not an absolute path in its shortest form");
        }

        if (!IsAllowed(request.File)) throw Refused(request, "lies outside the directories that may be adopted from");
        var file = new FileInfo(request.File);
        if (!file.Exists) throw Refused(request, "is not a file");
        if (HasLink(file)) throw Refused(request, "is, or lies behind, a symbolic link");
        if (request.ExpectedSize is { } expected && expected != file.Length)
        {
            throw new StagingException(
                StagingError.LengthMismatch,
                $"The file has {file.Length} bytes, not {expected} as expected: it was not written to its end.",
                ("declared", expected),
                ("received", file.Length));
        }

        return file;
    }

    /// <summary>The caller holds the image's lock. Cancellation leaves the file where it was.</summary>
    public async Task<StagedImage> RunAsync(AdoptRequest request, FileInfo file, CancellationToken cancellationToken)
    {
        var target = context.Layout.ImageFile(request.ImageId);
        if (file.FullName != target && File.Exists(target)) throw UploadCommit.UnmanagedFile(request.ImageId);
        using var source = Open(request, file);
        var size = LengthOfOnlyName(source, request);
        Validate(request, source, size);
        var digests = await DigestAndSyncAsync(source, size, request, cancellationToken);
        var image = new StagedImage(
            request.ImageId, size, digests, request.ProjectId, ImageOrigin.Adopted, context.Clock.GetUtcNow());
        DurableFiles.TryShare(source);
        try
        {
            commit.Publish(image, file.FullName, () => CheckStillTheSame(source, request));
        }
        catch (IOException failure) when (failure.HResult == Posix.Exdev)
        {
            PublishCopy(image, source, request.ReservationId, cancellationToken);
            // What has its name by now may be another file, which nobody has read.
            if (RegularFile.IsAt(source, file.FullName)) Remove(image.Id, file.FullName);
        }

        return image;
    }

    // Whoever wrote it may be another user of the same group, who gave the group no more than reading.
    private SafeFileHandle Open(AdoptRequest request, FileInfo file)
    {
        try
        {
            return RegularFile.OpenToRead(file.FullName);
        }
        catch (FileNotFoundException)
        {
            throw Refused(request, "is gone by now, or is no regular file");
        }
        catch (IOException failure) when (failure.HResult == Posix.Eacces)
        {
            throw Refused(request, "may not be read by the sidecar's user: give the group they share the right to read it");
        }
    }

    // Most of a big file that was just written is not on the disk yet: that takes the disk, the digests take a processor.
    private async Task<SortedDictionary<string, string>> DigestAndSyncAsync(
        SafeFileHandle source, long size, AdoptRequest request, CancellationToken cancellationToken)
    {
        var syncing = Task.Run(() => Posix.Sync(source), CancellationToken.None);
        try
        {
            return await DigestAsync(source, size, request, cancellationToken);
        }
        finally
        {
            await syncing;
        }
    }

    private void Validate(AdoptRequest request, SafeFileHandle source, long size)
    {
        if (request.Claim is not { DiskFormat.Length: > 0 } claim) return;
        if (context.Validate(claim, source, size, complete: true).Refusal is { } refusal) throw refusal;
    }

    private bool IsAllowed(string path)
    {
        if (IsUnder(path, context.Layout.Private)) return false;
        return context.Options.AdoptDirectories.Append(context.Layout.Directory)
            .Any(directory => IsUnder(path, Path.GetFullPath(directory)));
    }

    private static bool IsUnder(string path, string directory) =>
        path.StartsWith(Path.TrimEndingDirectorySeparator(directory) + '/', StringComparison.Ordinal);

    private static bool HasLink(FileInfo file)
    {
        if (file.LinkTarget is not null) return true;
        for (var directory = file.Directory; directory is not null; directory = directory.Parent)
        {
            if (directory.LinkTarget is not null) return true;
        }

        return false;
    }

    private async Task<SortedDictionary<string, string>> DigestAsync(
        SafeFileHandle source, long size, AdoptRequest request, CancellationToken cancellationToken)
    {
        var names = context.Options.Digests.Union(request.ExpectedDigests.Keys).Union(Foresee(source, size, request))
            .Append(Crc32C.Name).Distinct().ToList();
        var actual = names.Count > 1
            ? await DigestAsync(source, size, names, cancellationToken)
            : await ChecksumAsync(source, size, cancellationToken);
        var header = new UploadHeader(
            request.ImageId, size, request.ExpectedDigests, request.ProjectId, context.Clock.GetUtcNow(),
            BootId.Current);
        UploadChecks.Digests(header, new CommitRequest(size, request.ExpectedDigests), actual);
        return actual;
    }

    private IReadOnlyCollection<string> Foresee(SafeFileHandle source, long size, AdoptRequest request) =>
        size - Posix.Status(source).AllocatedBytes > DigestWishes.MostBytesBehind
            ? [] : context.Foresee(request.Claim ?? default, request.Digests, source, size);

    private static async Task<SortedDictionary<string, string>> DigestAsync(
        SafeFileHandle source, long size, IReadOnlyList<string> names, CancellationToken cancellationToken)
    {
        var digests = names.Select(DigestAlgorithms.Start).ToList();
        try
        {
            var read = await DigestPass.ReadAsync(source, size, digests, _ => { }, cancellationToken);
            if (read < size) throw new IOException($"The file ends at {read}, before {size}.");
            return new(
                names.Zip(digests).ToDictionary(digest => digest.First, digest => Convert.ToHexStringLower(digest.Second.Finish())),
                StringComparer.Ordinal);
        }
        finally
        {
            foreach (var digest in digests) digest.Dispose();
        }
    }

    // By itself it needs not read the holes.
    private static Task<SortedDictionary<string, string>> ChecksumAsync(
        SafeFileHandle source, long size, CancellationToken cancellationToken) => Task.Run(
        () => new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            [Crc32C.Name] = Crc32C.ToHex(FileCrc.Compute(source, 0, size, Crc32C.Empty, cancellationToken)),
        },
        cancellationToken);

    // By another name the image could be changed after it was committed.
    private long LengthOfOnlyName(SafeFileHandle source, AdoptRequest request)
    {
        var status = Posix.Status(source);
        return status.Links == 1
            ? status.Size
            : throw Refused(request, $"has {status.Links} names (hard links), by which it could be changed later");
    }

    // Digests are of what is open, and the rename went by name: whoever put another file there in between must not have it
    // taken for the one that was read.
    private void CheckStillTheSame(SafeFileHandle source, AdoptRequest request)
    {
        if (!RegularFile.IsAt(source, context.Layout.ImageFile(request.ImageId)))
        {
            throw Refused(request, "was replaced by another while it was being taken over");
        }

        LengthOfOnlyName(source, request);
    }

    private void PublishCopy(
        StagedImage image, SafeFileHandle source, string reservationId, CancellationToken cancellationToken)
    {
        var directory = context.Layout.UploadDirectory(image.Id) + ".adopted";
        using var reservation = reservationId.Length > 0
            ? reservations.TakeOver(reservationId, image.Id, image.Size, 0)
            : space.Reserve(image.Size);
        DurableFiles.CreateDirectoryUnsynced(directory);
        try
        {
            var path = Path.Combine(directory, "data");
            using var copy = DurableFiles.OpenWritable(path, FileMode.Create);
            if (!Posix.TryReflink(source, copy)) Copy(source, copy, image.Size, cancellationToken);
            Posix.Sync(copy);
            commit.Publish(image, path);
        }
        finally
        {
            Remove(image.Id, directory);
        }
    }

    // Of what the image was made of. It is staged, or was refused for another reason, whatever becomes of this.
    private void Remove(ImageId id, string path)
    {
        try
        {
            if (Directory.Exists(path)) Directory.Delete(path, recursive: true);
            else File.Delete(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            StagingLog.AdoptedKept(context.Log, path, id, failure.Message);
        }
    }

    private static void Copy(
        SafeFileHandle source, SafeFileHandle copy, long size, CancellationToken cancellationToken)
    {
        var block = GC.AllocateUninitializedArray<byte>(CopyBlockBytes);
        for (var offset = 0L; offset < size;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var read = RandomAccess.Read(source, block, offset);
            if (read == 0) throw new IOException($"The file ends at {offset}, before {size}.");
            RandomAccess.Write(copy, block.AsSpan(0, read), offset);
            offset += read;
        }
    }

    private StagingException Refused(AdoptRequest request, string why) => new(
        StagingError.AdoptRefused,
        $"The file to adopt as image {request.ImageId} {why}. Allowed are regular files below {context.Layout.Directory}"
        + string.Concat(context.Options.AdoptDirectories.Select(directory => $" and {directory}"))
        + " (Staging:AdoptDirectories).");
}
