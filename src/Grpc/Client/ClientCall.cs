using System.IO.Compression;
using System.IO.Pipelines;
using Grpc.Core;
using Grpc.Telemetry;
using Grpc.Wire;

namespace Grpc.Client;

/// <summary>
/// One call. It is over when its outcome is known: the trailers were read, or it failed, was cancelled or passed its
/// deadline, whichever came first. From then on nothing is sent, and every further use tells the outcome.
/// </summary>
internal sealed partial class ClientCall<TRequest, TResponse> : IDisposable
    where TRequest : class
    where TResponse : class
{
    private readonly ChannelTransport _transport;
    private readonly CallOptions _options;
    private readonly CancellationTokenSource _over = new();
    private readonly TaskCompletionSource<CallOutcome> _outcome = Source<CallOutcome>();
    private readonly TaskCompletionSource<Metadata> _headers = Source<Metadata>();
    private readonly Uri _uri;
    private readonly CallTriggers _triggers;
    private readonly CallSpan _span;
    private Task<ResponseBody?> _response = Task.FromResult<ResponseBody?>(null);
    private HttpResponseMessage? _http;
    private bool _gzip;

    public ClientCall(
        ChannelTransport transport, Method<TRequest, TResponse> method, CallOptions options, CallSpan span)
    {
        _span = span;
        _transport = transport;
        _options = options;
        _uri = transport.UriOf(method.FullName);
        _triggers = new CallTriggers(transport, options, End);
        Method = method;
    }

    public Method<TRequest, TResponse> Method { get; }

    public Task<Metadata> ResponseHeaders => _headers.Task;

    public RequestBody? Body { get; private set; }

    public CancellationToken Over => _over.Token;

    public Task WhenOver => _outcome.Task;

    public CallOutcome? Outcome => _outcome.Task.IsCompletedSuccessfully ? _outcome.Task.Result : null;

    /// <summary>Sends the call; <paramref name="request"/> is null for a stream of requests.</summary>
    public void Start(TRequest? request)
    {
        // Nobody has to look at the headers of a call that failed.
        _ = _headers.Task.ContinueWith(
            static headers => headers.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted,
            TaskScheduler.Default);
        _triggers.Arm();
        Body = new RequestBody(request is null ? null : pipe => WriteSingle(pipe, request), Over);
        if (Outcome is null)
            _response = SendAsync();
    }

    public Status GetStatus() => Finished().Status;

    public Metadata GetTrailers() => Finished().Trailers;

    public MessageWriter CreateWriter(PipeWriter pipe) => new(pipe, _transport.MaxSendBytes, CompressionLevel.Fastest);

    /// <summary>Whether a message with these flags goes out compressed.</summary>
    public bool Compresses(WriteFlags flags) => _gzip && !flags.HasFlag(WriteFlags.NoCompress);

    /// <summary>Ends the call, unless it is over; a server that is still busy with it is told.</summary>
    public void End(CallOutcome outcome)
    {
        if (!_outcome.TrySetResult(outcome))
            return;

        _triggers.Disarm();
        _span.End(outcome.Status);
        _headers.TrySetException(outcome.ToException());
        _over.Cancel();
        _http?.Dispose();
    }

    public void Dispose()
    {
        End(CallOutcome.Local(StatusCode.Cancelled, "The call was disposed before it was over."));
        if (_response.IsCompletedSuccessfully)
            _response.Result?.Close();
    }

    private static TaskCompletionSource<T> Source<T>() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void WriteSingle(PipeWriter pipe, TRequest request) => CreateWriter(pipe).Write(
        Method.RequestMarshaller, request, Compresses(_options.WriteOptions?.Flags ?? default));

    private async Task<ResponseBody?> SendAsync()
    {
        try
        {
            _gzip = RequestHead.WantsGzip(_options);
            var request = RequestHead.Create(_uri, _options, _triggers.TimeLeft, Body!);
            _span.Inject(request);
            var http = await _transport.SendAsync(request, Over);

            // A full fence: either End sees this response, or OpenAsync sees that the call is over.
            Interlocked.Exchange(ref _http, http);
            return await OpenAsync(http);
        }
        catch (Exception failure)
        {
            // The root of the call: whatever went wrong becomes its outcome.
            Fail(failure);
            return null;
        }
    }

    private async Task<ResponseBody?> OpenAsync(HttpResponseMessage http)
    {
        if (Outcome is not null)
        {
            // Cancelled in between, too early for End to see the response.
            http.Dispose();
            return null;
        }

        if (ResponseHead.EarlyOutcome(http) is { } early)
        {
            _headers.TrySetResult(ResponseHead.Read(http.Headers));
            End(early);
            return null;
        }

        _headers.TrySetResult(ResponseHead.Read(http.Headers));
        return new ResponseBody(
            await http.Content.ReadAsStreamAsync(Over),
            _transport.MaxReceiveBytes,
            ResponseHead.Value(http.Headers, HeaderNames.Encoding),
            keepsPayload: Method.Type is MethodType.ServerStreaming or MethodType.DuplexStreaming);
    }

    private CallOutcome Fail(Exception failure)
    {
        End(HttpErrors.OutcomeOf(failure, _transport.Address));
        return Outcome!;
    }

    private CallOutcome Finished() =>
        Outcome ?? throw new InvalidOperationException("The call is not over: it has no status and no trailers yet.");
}
