using System.Diagnostics.CodeAnalysis;
using Grpc.Core;
using Grpc.Wire;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Grpc.Server;

/// <summary>
/// One call's answer: headers, messages, trailers, in that order and each once. A handler and a passed deadline may
/// race to end it; the gate lets one of them in and turns later writes away.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "the gate never makes a wait handle")]
internal sealed class ServerResponse(HttpContext http, ServerSettings settings)
{
    // HTTP/2's INTERNAL_ERROR: the client must not take a torn body for a whole one.
    private const int InternalError = 2;

    private readonly SemaphoreSlim _gate = new(1);
    private readonly MessageWriter _writer =
        new(http.Response.BodyWriter, settings.MaxSendBytes, settings.CompressionLevel);

    private bool _begun;
    private bool _ended;
    private bool _gzip;

    public async Task SendHeadersAsync(Metadata headers)
    {
        Enter();
        try
        {
            if (_begun)
                throw new InvalidOperationException("The response headers were sent before.");

            Begin(headers);
            await http.Response.StartAsync();
            await http.Response.BodyWriter.FlushAsync();
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Completes when the transport has taken the message.</summary>
    /// <exception cref="InvalidOperationException">Another write is under way, or the call is over.</exception>
    public async Task WriteAsync<T>(
        Marshaller<T> marshaller,
        T message,
        WriteFlags flags,
        bool flush,
        CancellationToken cancellationToken)
    {
        Enter();
        try
        {
            if (!_begun)
                Begin(Metadata.Empty);

            _writer.Write(marshaller, message, _gzip && !flags.HasFlag(WriteFlags.NoCompress));
            if (flush && !flags.HasFlag(WriteFlags.BufferHint))
                await http.Response.BodyWriter.FlushAsync(cancellationToken);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Ends the call, unless it ended before.</summary>
    public async Task EndAsync(Status status, Metadata trailers)
    {
        await _gate.WaitAsync();
        await EndInsideAsync(status, trailers);
    }

    /// <summary>As <see cref="EndAsync"/>, but leaves a call with a write under way to its handler.</summary>
    public Task TryEndAsync(Status status) =>
        _gate.Wait(0) ? EndInsideAsync(status, Metadata.Empty) : Task.CompletedTask;

    private async Task EndInsideAsync(Status status, Metadata trailers)
    {
        try
        {
            if (_ended)
                return;

            _ended = true;
            if (_writer.IsTorn)
            {
                ServerLog.ResponseTorn(settings.Log, http.Request.Path);
                http.Features.Get<IHttpResetFeature>()?.Reset(InternalError);
                return;
            }

            ServerTrailers.Write(http, status, trailers, inHeaders: !_begun, settings.Log);
            await http.Response.CompleteAsync();
        }
        finally
        {
            _gate.Release();
        }
    }

    private void Enter()
    {
        if (!_gate.Wait(0))
            throw new InvalidOperationException("A write is under way: await it before the next one.");
        if (!_ended)
            return;

        _gate.Release();
        throw new CallOverException();
    }

    private void Begin(Metadata headers)
    {
        var response = http.Response;
        response.ContentType = HeaderNames.ContentType;
        _gzip = WantsGzip(headers) && MessageEncoding.AcceptsGzip(http.Request.Headers[HeaderNames.AcceptEncoding]);
        response.Headers[HeaderNames.AcceptEncoding] = MessageEncoding.Accepted;
        if (_gzip)
            response.Headers[HeaderNames.Encoding] = MessageEncoding.Gzip;

        MetadataHeaders.Write(headers, (name, value) => response.Headers.Append(name, value));
        _begun = true;
    }

    private bool WantsGzip(Metadata headers) => headers.GetValue(HeaderNames.EncodingRequest) is { } asked
        ? asked == MessageEncoding.Gzip
        : settings.CompressResponses;
}
