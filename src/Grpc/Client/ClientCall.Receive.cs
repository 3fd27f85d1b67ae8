using Grpc.Core;

namespace Grpc.Client;

internal sealed partial class ClientCall<TRequest, TResponse>
{
    /// <summary>The next response, or null after the last one of a call that succeeded.</summary>
    /// <exception cref="RpcException">The call failed.</exception>
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
        catch (Exception failure) when (failure is not InvalidOperationException)
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
            var body = await _response ?? throw NotOk();
            if (!await body.MoveNextAsync(Over))
                throw ResponseHead.FinalOutcome(_http!) is { IsOk: false } failed ? failed.ToException() : Cardinality("no");

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

    // A trailers-only answer is a failure here even when it says OK, for it has no response.
    private RpcException NotOk() => Finished() is { IsOk: false } failed ? failed.ToException() : Cardinality("no");

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
