using Grpc.Core;

namespace Grpc.Client;

internal sealed partial class ClientCall<TRequest, TResponse>
{
    /// <summary>The next response, or null after the last one of a call that succeeded.</summary>
    /// <exception cref="RpcException">The call failed.</exception>
    // A call that ends in mid-read takes its stream away: the handler then disposes it (ObjectDisposedException, which is
    // an InvalidOperationException). Only misuse may be told as such.
    public async Task<TResponse?> ReadNextAsync()
    {
        try
        {
            if (await _response is { } body)
            {
                if (await body.MoveNextAsync(Over))
                    return Deserialize(body);

                body.Close();
                End(Outcome ?? ResponseHead.FinalOutcome(_http!));
            }
        }
        catch (Exception failure) when (failure is ObjectDisposedException or not InvalidOperationException)
        {
            throw Fail(failure).ToException();
        }

        return Finished() is { IsOk: false } outcome ? throw outcome.ToException() : null;
    }

    /// <summary>The one response of a unary or client-streaming call, together with the call's success.</summary>
    public Task<TResponse> ReadSingle()
    {
        var response = ReadSingleAsync();

        // A caller that looks at the status only need not look at this task.
        _ = response.ContinueWith(
            static task => task.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted,
            TaskScheduler.Default);
        return response;
    }

    private async Task<TResponse> ReadSingleAsync()
    {
        try
        {
            var body = await _response ?? throw NoResponse(Finished());
            if (!await body.MoveNextAsync(Over))
                throw NoResponse(ResponseHead.FinalOutcome(_http!));

            var response = Deserialize(body);
            if (await body.MoveNextAsync(Over))
                throw Cardinality("more than one");

            body.Close();
            End(ResponseHead.FinalOutcome(_http!));
            return Finished().IsOk ? response : throw Finished().ToException();
        }
        catch (Exception failure)
        {
            throw Fail(failure).ToException();
        }
    }

    // A failure even when the status says OK.
    private static RpcException NoResponse(CallOutcome outcome) =>
        outcome.IsOk ? Cardinality("no") : outcome.ToException();

    private TResponse Deserialize(ResponseBody body)
    {
        var response = body.Messages.Deserialize(Method.ResponseMarshaller);
        if (!body.Messages.KeepsPayload)
            body.Messages.Release();

        return response;
    }

    private static RpcException Cardinality(string count) =>
        new(new Status(StatusCode.Unimplemented, $"The server sent {count} response where one is due."));
}
