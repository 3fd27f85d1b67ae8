using System.IO.Pipelines;
using Grpc.Core;
using Grpc.Wire;

namespace Grpc.Client;

/// <summary>The requests of a client-streaming or duplex call.</summary>
internal sealed class ClientStreamWriter<TRequest, TResponse>(ClientCall<TRequest, TResponse> call)
    : IClientStreamWriter<TRequest>
    where TRequest : class
    where TResponse : class
{
    private PipeWriter? _pipe;
    private MessageWriter? _messages;
    private int _busy;
    private bool _completed;

    public WriteOptions? WriteOptions { get; set; }

    public Task WriteAsync(TRequest message) => WriteAsync(message, CancellationToken.None);

    // A call that ends in mid-write takes its stream away: the handler then disposes it (ObjectDisposedException, which
    // is an InvalidOperationException), or the pipe is completed. Only misuse may be told as such.
    public async Task WriteAsync(TRequest message, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(message);
        Enter();
        try
        {
            using var cancelling = cancellationToken.UnsafeRegister(
                _ => call.End(CallOutcome.Local(StatusCode.Cancelled, "The call was cancelled by its writer.")), null);
            await WriteOutAsync(message, WriteOptions?.Flags ?? default);
        }
        catch (Exception failure) when (failure is ObjectDisposedException or not InvalidOperationException
            || call.Over.IsCancellationRequested)
        {
            throw await FailureAsync(failure);
        }
        finally
        {
            Volatile.Write(ref _busy, 0);
        }
    }

    /// <summary>On a call that is over it does nothing: the status is the responses' to tell.</summary>
    public async Task CompleteAsync()
    {
        Enter();
        _completed = true;
        try
        {
            await call.Body!.OpenAsync();
        }
        catch (OperationCanceledException)
        {
            // The call is over.
        }
        finally
        {
            call.Body!.Complete();
            Volatile.Write(ref _busy, 0);
        }
    }

    private void Enter()
    {
        if (_completed)
            throw new InvalidOperationException("The requests were completed.");
        if (Interlocked.Exchange(ref _busy, 1) == 1)
            throw new InvalidOperationException("A write is under way: await it before the next one.");
    }

    private async Task WriteOutAsync(TRequest message, WriteFlags flags)
    {
        call.Over.ThrowIfCancellationRequested();
        _pipe ??= await call.Body!.OpenAsync();
        _messages ??= call.CreateWriter(_pipe);
        _messages.Write(call.Method.RequestMarshaller, message, call.Compresses(flags));
        if (!flags.HasFlag(WriteFlags.BufferHint))
            await _pipe.FlushAsync(call.Over);
    }

    private async Task<RpcException> FailureAsync(Exception failure)
    {
        if (failure is RpcException)
            call.End(HttpErrors.OutcomeOf(failure, null));

        // A single response is read in the background, so its outcome comes by itself and tells more than a failed
        // write. Of a stream of responses the caller may still want to read what came before the status.
        if (call.Outcome is null && call.Method.Type == MethodType.ClientStreaming)
            await call.WhenOver;

        return (call.Outcome ?? HttpErrors.OutcomeOf(failure, null)).ToException();
    }
}
