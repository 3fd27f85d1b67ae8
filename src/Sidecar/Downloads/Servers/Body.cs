using Sidecar.Downloads.Core;

namespace Sidecar.Downloads.Servers;

/// <summary>The bytes of an answer, none of which may be long in coming.</summary>
internal sealed class Body(HttpResponseMessage answer, Uri url, DownloadsOptions options) : IDisposable
{
    private Stream? _stream;
    private DownloadException? _failure;

    /// <summary>
    /// Reads until the buffer is full or the answer ends. What came before a failure is not lost: the failure is told by the next
    /// call.
    /// </summary>
    /// <returns>Less than the buffer holds: the end, or a failure. 0: the end.</returns>
    /// <exception cref="DownloadException">SourceBroke.</exception>
    public async Task<int> FillAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (_failure is not null) throw _failure;
        var filled = 0;
        try
        {
            while (filled < buffer.Length)
            {
                var read = await ReadAsync(buffer[filled..], cancellationToken);
                if (read == 0) break;
                filled += read;
            }
        }
        catch (DownloadException failure) when (filled > 0)
        {
            _failure = failure;
        }

        return filled;
    }

    public void Dispose() => answer.Dispose();

    private async Task<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        using var silent = new CancellationTokenSource(options.IdleTimeout);
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(silent.Token, cancellationToken);
        try
        {
            _stream ??= await answer.Content.ReadAsStreamAsync(ends.Token);
            return await _stream.ReadAsync(buffer, ends.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw Answers.Silent(url, options);
        }
        catch (Exception failure) when (failure is IOException or HttpRequestException)
        {
            throw Answers.Broke(url, failure);
        }
    }
}
