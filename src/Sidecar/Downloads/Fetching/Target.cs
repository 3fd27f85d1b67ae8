using System.Net;
using Sidecar.Downloads.Core;
using Sidecar.Downloads.Servers;
using Sidecar.Staging;
using Sidecar.Staging.Core;
using Sidecar.Staging.Files;
using Sidecar.Staging.Uploads;

namespace Sidecar.Downloads.Fetching;

/// <summary>
/// The upload that a download writes to: a new one, this download's own after a connection broke, or one that an earlier process
/// left of the same version of the same file. Disposed without a commit it is discarded, unless others are to go on with it.
/// </summary>
internal sealed class Target(DownloadRequest request, StagingArea area, StagingContext staging) : IAsyncDisposable
{
    // The call that tells of the progress reads both while the download replaces them: each is whole at any time, and what it tells
    // between two of them is what holds a moment later.
    private volatile UploadWriter? _writer;
    private volatile RemoteFile? _file;
    private bool _isLeftAlone;

    public UploadWriter Writer => _writer ?? throw new InvalidOperationException("Nothing has begun.");

    /// <summary>The file, once something has begun.</summary>
    public RemoteFile File => _file ?? throw new InvalidOperationException("Nothing has begun.");

    /// <summary>Bytes that are there.</summary>
    public long Received => _writer?.ReceivedOffset ?? Left?.ReceivedOffset ?? 0;

    /// <summary>Size of the whole, once the server has said it.</summary>
    public long? Total => _file?.Length ?? Left?.Header.DeclaredSize;

    /// <summary>Cancelled when somebody else wants the image.</summary>
    public CancellationToken Revoked => _writer?.Revoked ?? CancellationToken.None;

    /// <exception cref="StagingException">The reason, once <see cref="Revoked"/> is cancelled.</exception>
    public void ThrowIfRevoked() => _writer?.ThrowIfRevoked();

    /// <summary>What to ask the server for; null: all of the file.</summary>
    public FileRange? Missing()
    {
        if (_writer is not null)
        {
            return _file is { HasRanges: true, Length: not null } && _writer.ReceivedOffset > 0
                ? Rest(_writer.ReceivedOffset, _file.Length.Value, _file.Validator) : null;
        }

        return Left is { Header.DeclaredSize: { } length, ReceivedOffset: > 0 } left
            ? Rest(left.ReceivedOffset, length, SourceMark.Validator(request, left)!) : null;
    }

    /// <summary>Takes the answer to what was missing. Says whether it is all of the file although a part was asked for.</summary>
    /// <exception cref="DownloadException">SourceChanged: it is no answer to that.</exception>
    public async Task<bool> OpenAsync(HttpResponseMessage answer, Uri url, FileRange? asked, CancellationToken cancellationToken)
    {
        var file = RemoteFile.Of(answer, url);
        if (file.Length > request.MaxBytes) throw Answers.TooLarge(url, request.MaxBytes);
        if (answer.StatusCode == HttpStatusCode.OK)
        {
            await DiscardAsync();
            await BeginAsync(file, null, cancellationToken);
            return asked is not null;
        }

        if (asked is null || file.Length != Total || !file.IsPart(answer, asked)) throw Answers.Changed(url);
        if (_writer is null) await GoOnAsync(file with { Validator = asked.Validator, HasRanges = true }, cancellationToken);
        return false;
    }

    /// <summary>Gives up what is there, as it is of no version that the server still has.</summary>
    public async Task DiscardAsync()
    {
        if (_writer is null)
        {
            _isLeftAlone = true;
            return;
        }

        _writer.ThrowIfRevoked();
        _writer.Abandon();
        await _writer.DisposeAsync();
        (_writer, _file) = (null, null);
    }

    /// <summary>
    /// Leaves what is there to those who go on with it: a newer call, or this one's caller when the next process is there.
    /// </summary>
    public async Task LeaveAsync()
    {
        if (_writer is not null) await _writer.DisposeAsync();
        _writer = null;
    }

    public async ValueTask DisposeAsync()
    {
        if (_writer is null) return;
        _writer.Abandon();
        await _writer.DisposeAsync();
    }

    // At the very end there is no byte to ask for: the last one shows that it is the same file.
    private static FileRange Rest(long offset, long length, string validator) => new(Math.Min(offset, length - 1), null, validator);

    private UploadSnapshot? Left => !_isLeftAlone && area.TryGetUpload(request.ImageId) is { State: UploadState.Suspended } upload
        && SourceMark.Validator(request, upload) is not null ? upload : null;

    // What an earlier process left may turn out to be shorter than it seemed, or to be gone by now.
    private async Task GoOnAsync(RemoteFile file, CancellationToken cancellationToken)
    {
        try
        {
            await BeginAsync(file, Received, cancellationToken);
        }
        catch (StagingException left) when (
            left.Error is StagingError.OffsetMismatch or StagingError.UploadNotFound or StagingError.DiskFailed)
        {
            _isLeftAlone = left.Error != StagingError.OffsetMismatch;
            throw new DownloadException(
                DownloadError.SourceBroke, left.Message, Remedy.Again, left, ("host", TargetRules.HostOf(file.Url)));
        }
    }

    private async Task BeginAsync(RemoteFile file, long? offset, CancellationToken cancellationToken)
    {
        var header = new UploadHeader(
            request.ImageId, file.Length, file.Digests, request.ProjectId, staging.Clock.GetUtcNow(), BootId.Current,
            DiskFormat: request.Claim.DiskFormat, ContainerFormat: request.Claim.ContainerFormat, Digests: request.Digests,
            ToleratedChecks: request.Claim.ToleratedChecks, Source: SourceMark.Of(request, file));
        _writer = await area.BeginUploadAsync(header, offset, cancellationToken);
        _file = file;
    }
}
