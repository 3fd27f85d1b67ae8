namespace Grpc.Core;

/// <summary>Requests to the server.</summary>
public interface IClientStreamWriter<in T> : IAsyncStreamWriter<T>
{
    /// <summary>Tells the server that no request will follow (half-close); the responses go on.</summary>
    Task CompleteAsync();
}
