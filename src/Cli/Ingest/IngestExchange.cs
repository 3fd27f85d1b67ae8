using System.Text;
using Stagectl.Failures;

namespace Stagectl.Ingest;

/// <summary>
/// One request and its answer on a connection of its own. HttpClient will not do: it sends a body again when a connection ends without
/// an answer, and loses an answer that comes while it still sends, which is how content is refused.
/// </summary>
internal sealed class IngestExchange(Stream stream, IngestAddress address) : IAsyncDisposable
{
    // A proxy may not pass the permission on. Whoever goes on without it loses nothing: the bytes wait.
    private static readonly TimeSpan ContinueTimeout = TimeSpan.FromSeconds(10);

    // For an answer that was sent before the connection was closed under the body.
    private static readonly TimeSpan LastWordTimeout = TimeSpan.FromSeconds(5);

    /// <exception cref="AttemptException">The connection broke.</exception>
    public async Task<IngestAnswer> AskAsync(string method, string path, string headers, CancellationToken cancellationToken)
    {
        await SendHeadAsync(method, path, headers, cancellationToken);
        return await AnswerAsync(method, () => { }, cancellationToken);
    }

    /// <summary>Sends a body, unless the answer is there before it may be sent, or before all of it is.</summary>
    /// <param name="onSent">Called after each piece.</param>
    /// <inheritdoc cref="AskAsync" path="/exception"/>
    public async Task<IngestAnswer> PutAsync(
        string path, string headers, UploadBody body, Action onSent, CancellationToken cancellationToken)
    {
        await SendHeadAsync("PUT", path, headers, cancellationToken);
        var allowed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var answer = AnswerAsync("PUT", () => allowed.TrySetResult(), cancellationToken);
        await PermissionAsync(answer, allowed.Task, cancellationToken);
        while (!answer.IsCompleted)
        {
            var piece = await body.NextAsync(cancellationToken);
            if (piece.IsEmpty) return await answer;
            if (!await WriteAsync(piece, answer, cancellationToken)) return await LastWordAsync(answer, cancellationToken);
            onSent();
        }

        return await answer;
    }

    public ValueTask DisposeAsync() => stream.DisposeAsync();

    private async Task SendHeadAsync(string method, string path, string headers, CancellationToken cancellationToken)
    {
        var head = Encoding.ASCII.GetBytes(
            $"{method} {path} HTTP/1.1\r\nHost: {address.Authority}\r\nConnection: close\r\nUser-Agent: stagectl\r\n{headers}\r\n");
        try
        {
            await stream.WriteAsync(head, cancellationToken);
        }
        catch (IOException failure)
        {
            throw Broken(failure);
        }
    }

    private async Task<IngestAnswer> AnswerAsync(string method, Action onContinue, CancellationToken cancellationToken)
    {
        try
        {
            return await new AnswerReader(stream).ReadAsync(method, onContinue, cancellationToken);
        }
        catch (IOException failure)
        {
            throw Broken(failure);
        }
    }

    private static async Task PermissionAsync(Task answer, Task allowed, CancellationToken cancellationToken)
    {
        try
        {
            await Task.WhenAny(answer, allowed).WaitAsync(ContinueTimeout, cancellationToken);
        }
        catch (TimeoutException)
        {
            // Then without.
        }
    }

    // False when the rest need not, or cannot, be sent.
    private async Task<bool> WriteAsync(ReadOnlyMemory<byte> piece, Task answer, CancellationToken cancellationToken)
    {
        var write = stream.WriteAsync(piece, cancellationToken).AsTask();
        // Who has answered may read nothing more, so that the write lasts for ever; it ends with the connection.
        await Task.WhenAny(write, answer);
        if (!write.IsCompleted) return false;
        try
        {
            await write;
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    private async Task<IngestAnswer> LastWordAsync(Task<IngestAnswer> answer, CancellationToken cancellationToken)
    {
        try
        {
            return await answer.WaitAsync(LastWordTimeout, cancellationToken);
        }
        catch (TimeoutException failure)
        {
            throw Broken(failure);
        }
    }

    private AttemptException Broken(Exception failure) => new(
        Failure.Unreachable($"The connection to {address} broke: {failure.GetBaseException().Message.TrimEnd('.')}."), neverAnswered: true);
}
