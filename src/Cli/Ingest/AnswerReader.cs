using System.Globalization;
using System.Text;

namespace Stagectl.Ingest;

/// <summary>Reads answers of HTTP/1.1 from a connection. Of a body only so much is kept as a person would read.</summary>
internal sealed class AnswerReader(Stream stream)
{
    private const int MostHeadBytes = 64 << 10;
    private const int MostBodyBytes = 1 << 20;

    private readonly byte[] _block = new byte[16 << 10];
    private int _next;
    private int _end;

    /// <summary>The final answer, to a request of this method; others before it are told of.</summary>
    /// <exception cref="IOException">The connection ended before it was there, or it is none.</exception>
    public async Task<IngestAnswer> ReadAsync(string method, Action onContinue, CancellationToken cancellationToken)
    {
        while (true)
        {
            var (status, reason, headers) = await ReadHeadAsync(cancellationToken);
            if (status >= 200)
            {
                var body = method == "HEAD" || status is 204 or 304 ? [] : await ReadBodyAsync(headers, cancellationToken);
                return new IngestAnswer(
                    status, reason, headers,
                    method == "GET" ? Encoding.UTF8.GetString(body) : AnswerText.Of(body, headers.GetValueOrDefault("Content-Type", "")));
            }

            if (status == 100) onContinue();
        }
    }

    private async Task<(int Status, string Reason, Dictionary<string, string> Headers)> ReadHeadAsync(CancellationToken cancellationToken)
    {
        var first = (await LineAsync(cancellationToken)).Split(' ', 3);
        if (!first[0].StartsWith("HTTP/1.", StringComparison.Ordinal) || first.Length < 2
            || !int.TryParse(first[1], NumberStyles.None, CultureInfo.InvariantCulture, out var status))
        {
            throw new IOException("what answers there does not speak HTTP/1.1");
        }

        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        while (await LineAsync(cancellationToken) is { Length: > 0 } line)
        {
            var parts = line.Split(':', 2);
            if (parts.Length == 2) headers[parts[0]] = parts[1].Trim();
        }

        return (status, first.Length > 2 ? first[2] : "", headers);
    }

    private async Task<byte[]> ReadBodyAsync(Dictionary<string, string> headers, CancellationToken cancellationToken)
    {
        using var body = new MemoryStream();
        if (headers.GetValueOrDefault("Transfer-Encoding", "").EndsWith("chunked", StringComparison.OrdinalIgnoreCase))
        {
            while (await ChunkSizeAsync(cancellationToken) is > 0 and var size)
            {
                await TakeAsync(body, size, cancellationToken);
                if (body.Length >= MostBodyBytes) break;
                await LineAsync(cancellationToken);
            }
        }
        else if (headers.TryGetValue("Content-Length", out var length))
        {
            await TakeAsync(body, Number(length, NumberStyles.None), cancellationToken);
        }
        else
        {
            while (body.Length < MostBodyBytes && (_next < _end || await FillAsync(cancellationToken))) Move(body, _end - _next);
        }

        return body.ToArray();
    }

    private async Task<long> ChunkSizeAsync(CancellationToken cancellationToken) =>
        Number((await LineAsync(cancellationToken)).Split(';')[0].Trim(), NumberStyles.AllowHexSpecifier);

    private static long Number(string text, NumberStyles style) =>
        long.TryParse(text, style, CultureInfo.InvariantCulture, out var count)
            ? count : throw new IOException("the answer is not framed as HTTP is");

    private async Task TakeAsync(MemoryStream body, long count, CancellationToken cancellationToken)
    {
        while (count > 0 && body.Length < MostBodyBytes)
        {
            if (_next == _end && !await FillAsync(cancellationToken)) throw Ended();
            var piece = (int)Math.Min(count, _end - _next);
            Move(body, piece);
            count -= piece;
        }
    }

    private void Move(MemoryStream body, int count)
    {
        body.Write(_block, _next, count);
        _next += count;
    }

    private async Task<string> LineAsync(CancellationToken cancellationToken)
    {
        var line = new StringBuilder();
        while (line.Length < MostHeadBytes)
        {
            if (_next == _end && !await FillAsync(cancellationToken)) throw Ended();
            var character = (char)_block[_next++];
            if (character == '\n') return line.ToString().TrimEnd('\r');
            line.Append(character);
        }

        throw new IOException("the answer has a line without end");
    }

    private async ValueTask<bool> FillAsync(CancellationToken cancellationToken)
    {
        _next = 0;
        _end = await stream.ReadAsync(_block, cancellationToken);
        return _end > 0;
    }

    private static IOException Ended() => new("it was closed before there was an answer");
}
