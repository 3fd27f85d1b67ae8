using System.Net;

namespace Sidecar.Peers.Calls;

/// <summary>
/// Sends the body of a call once. HttpClient sends a request again, over another connection, when the server ends the first
/// one and says that it did not take the request. Of a call that streams to the server the messages that were written before
/// are gone then: the server would see one that begins with a chunk, and refuse it for good. So the call breaks, as UNAVAILABLE,
/// and its caller begins again.
/// </summary>
internal sealed class SingleAttempt : DelegatingHandler
{
    public SingleAttempt(SocketsHttpHandler connections) : base(connections)
    {
    }

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (request.Content is { } content) request.Content = new Once(content);
        return base.SendAsync(request, cancellationToken);
    }

    private sealed class Once : HttpContent
    {
        private readonly HttpContent _content;
        private int _attempts;

        public Once(HttpContent content)
        {
            _content = content;
            foreach (var header in content.Headers) Headers.TryAddWithoutValidation(header.Key, header.Value);
        }

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
            SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken) =>
            Interlocked.Increment(ref _attempts) == 1
                ? _content.CopyToAsync(stream, context, cancellationToken)
                : throw new IOException(
                    "The connection ended before the server took the call. What was sent cannot be sent again: repeat the call.");

        // As long as its caller likes.
        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing) _content.Dispose();
            base.Dispose(disposing);
        }
    }
}
