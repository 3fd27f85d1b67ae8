using System.Security.Cryptography.X509Certificates;
using Stagectl.Failures;
using Stagectl.Transfer;

namespace Stagectl.Ingest;

/// <summary>The requests that an upload needs.</summary>
internal sealed class IngestClient(IngestAddress address, X509ChainPolicy? trust, AccessToken token)
{
    private static readonly TimeSpan QuestionTimeout = TimeSpan.FromMinutes(1);

    private readonly IngestConnection _connections = new(address, trust);

    public IngestAddress Address => address;

    /// <summary>Before anything is begun.</summary>
    /// <exception cref="CommandException">There is no token.</exception>
    public Task CheckTokenAsync(CancellationToken cancellationToken) => token.ReadAsync(cancellationToken);

    /// <summary>How far the upload of an image came.</summary>
    /// <exception cref="AttemptException">No answer.</exception>
    public Task<IngestAnswer> LocateAsync(string imageId, CancellationToken cancellationToken) =>
        AskAsync("HEAD", StagePath(imageId), cancellationToken);

    /// <summary>Glance's record of an image, whose text is JSON.</summary>
    /// <exception cref="AttemptException">No answer.</exception>
    public Task<IngestAnswer> ShowAsync(string imageId, CancellationToken cancellationToken) =>
        AskAsync("GET", address.PathOf(imageId), cancellationToken);

    /// <summary>Sends the source from where it is to its end.</summary>
    /// <exception cref="AttemptException">No answer.</exception>
    public async Task<IngestAnswer> SendAsync(string imageId, UploadSource source, Action onSent, CancellationToken cancellationToken)
    {
        var body = new UploadBody(source);
        var headers = await HeadersAsync(cancellationToken)
            + "Content-Type: application/octet-stream\r\nExpect: 100-continue\r\nUpload-Complete: ?1\r\n"
            + (source.Offset > 0 ? $"Upload-Offset: {source.Offset}\r\n" : "")
            + (body.Length is { } length ? $"Content-Length: {length}\r\n" : "Transfer-Encoding: chunked\r\n");
        await using var exchange = await OpenAsync(cancellationToken);
        return await exchange.PutAsync(StagePath(imageId), headers, body, onSent, cancellationToken);
    }

    private string StagePath(string imageId) => address.PathOf(imageId) + "/stage";

    // Glance writes its errors in the form that is asked for.
    private async Task<string> HeadersAsync(CancellationToken cancellationToken) =>
        $"X-Auth-Token: {await token.ReadAsync(cancellationToken)}\r\nAccept: text/plain\r\n";

    private async Task<IngestExchange> OpenAsync(CancellationToken cancellationToken) =>
        new(await _connections.OpenAsync(cancellationToken), address);

    private async Task<IngestAnswer> AskAsync(string method, string path, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(QuestionTimeout);
        try
        {
            var headers = await HeadersAsync(cancellationToken);
            await using var exchange = await OpenAsync(patience.Token);
            return await exchange.AskAsync(method, path, headers, patience.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new AttemptException(
                Failure.Unreachable($"{address} did not answer within {QuestionTimeout.TotalSeconds} s."), neverAnswered: true);
        }
    }
}
