using Grpc.Core;
using Grpc.Wire;
using Microsoft.AspNetCore.Http;

namespace Grpc.Server;

/// <summary>One call on this server, as its handler sees it.</summary>
internal sealed class ServerCall : ServerCallContext, IDisposable
{
    private static readonly Status PassedStatus = new(StatusCode.DeadlineExceeded, "The deadline has passed.");

    private readonly IMethod _method;
    private readonly CallDeadline? _deadline;
    private readonly string? _encoding;
    private Metadata? _requestHeaders;
    private Metadata? _responseTrailers;
    private Task _earlyEnd = Task.CompletedTask;

    public ServerCall(HttpContext http, IMethod method, ServerSettings settings)
    {
        Http = http;
        Settings = settings;
        _method = method;
        _encoding = http.Request.Headers[HeaderNames.Encoding];
        RequestGuard.LiftBodyLimits(http);
        Response = new ServerResponse(http, settings);
        Requests = new MessageReader(http.Request.BodyReader, settings.MaxReceiveBytes, _encoding)
        {
            KeepsPayload = method.Type is MethodType.ClientStreaming or MethodType.DuplexStreaming,
        };
        _deadline = CallDeadline.Start(
            http.Request.Headers[HeaderNames.Timeout], settings.Time, EndEarly, http.RequestAborted);
    }

    public HttpContext Http { get; }

    public ServerSettings Settings { get; }

    public MessageReader Requests { get; }

    public ServerResponse Response { get; }

    /// <summary>The status that was sent; that of a bug while none was.</summary>
    public Status Outcome { get; private set; } = new(StatusCode.Unknown, "The call ended without a status.");

    public bool DeadlinePassed => _deadline is { HasPassed: true };

    protected override string MethodCore => _method.FullName;

    protected override string HostCore => Http.Request.Host.Value ?? "";

    protected override string PeerCore => PeerName.Of(Http.Connection);

    protected override DateTime DeadlineCore => _deadline?.At ?? DateTime.MaxValue;

    protected override Metadata RequestHeadersCore => _requestHeaders ??= ReadRequestHeaders();

    protected override CancellationToken CancellationTokenCore => _deadline?.Token ?? Http.RequestAborted;

    protected override Metadata ResponseTrailersCore => _responseTrailers ??= [];

    protected override Status StatusCore { get; set; }

    protected override WriteOptions? WriteOptionsCore { get; set; }

    /// <summary>What forbids the call before its handler runs, or null.</summary>
    public Status? Refusal()
    {
        if (_deadline is null)
            return new Status(StatusCode.Internal, "The grpc-timeout header is malformed.");

        return MessageEncoding.IsKnown(_encoding)
            ? null
            : new Status(StatusCode.Unimplemented, $"The message encoding '{_encoding}' is not known here.");
    }

    /// <summary>Sends the status that the handler's outcome stands for.</summary>
    public async Task EndAsync(Status status, Metadata? trailers = null)
    {
        await _earlyEnd;
        if (DeadlinePassed)
            status = PassedStatus;

        Outcome = status;
        ServerLog.Ended(Settings.Log, Method, status);
        if (!Http.RequestAborted.IsCancellationRequested)
            await Response.EndAsync(status, Merge(trailers));
    }

    public void Dispose() => _deadline?.Dispose();

    protected override Task WriteResponseHeadersAsyncCore(Metadata responseHeaders)
    {
        ArgumentNullException.ThrowIfNull(responseHeaders);
        return Response.SendHeadersAsync(responseHeaders);
    }

    private void EndEarly()
    {
        ServerLog.DeadlinePassed(Settings.Log, Method);

        // The answer does not wait for a handler that is slow to notice; EndAsync awaits this one.
        _earlyEnd = Response.TryEndAsync(PassedStatus);
    }

    private Metadata ReadRequestHeaders()
    {
        var headers = new Metadata();
        foreach (var (name, values) in Http.Request.Headers)
        {
            foreach (var value in values)
                MetadataHeaders.Read(headers, name, value ?? "");
        }

        return headers;
    }

    private Metadata Merge(Metadata? trailers)
    {
        if (trailers is not { Count: > 0 } || ReferenceEquals(trailers, _responseTrailers))
            return _responseTrailers ?? Metadata.Empty;

        var merged = ResponseTrailers;
        foreach (var entry in trailers)
            merged.Add(entry);

        return merged;
    }
}
