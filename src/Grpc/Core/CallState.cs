namespace Grpc.Core;

/// <summary>The part that the four call types share.</summary>
internal sealed class CallState(
    Task<Metadata> responseHeaders,
    Func<Status> getStatus,
    Func<Metadata> getTrailers,
    Action dispose)
{
    public Task<Metadata> ResponseHeaders => responseHeaders;

    public Status GetStatus() => getStatus();

    public Metadata GetTrailers() => getTrailers();

    public void Dispose() => dispose();
}
