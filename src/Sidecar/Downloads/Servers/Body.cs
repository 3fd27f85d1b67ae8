using Sidecar.Downloads.Core;

namespace Sidecar.Downloads.Servers;

/// <summary>The bytes of an answer, none of which may be long in coming, nor all of them by ones and twos.</summary>
internal sealed class Body(HttpResponseMessage answer, Uri url, DownloadsOptions options) : IDisposable
{
    // A buffer's worth takes at most so many idle timeouts: a few hundred bytes a second by default, at which no image ever arrives.
    private const int LongestFill = 10;

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
        using var slow = new CancellationTokenSource(LongestFill * options.IdleTimeout);
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(slow.Token, cancellationToken);
        try
        {
            while (filled < buffer.Length)
            {
                var read = await ReadAsync(buffer[filled..], ends.Token);
                if (read == 0) break;
                filled += read;
            }
        }
        catch (DownloadException failure)
        {
            _failure = failure;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            _failure = Answers.Silent(url, options);
        }

        return filled > 0 || _failure is null ? filled : throw _failure;
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
