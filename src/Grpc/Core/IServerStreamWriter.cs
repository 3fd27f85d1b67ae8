namespace Grpc.Core;

/// <summary>Responses to the client.</summary>
public interface IServerStreamWriter<in T> : IAsyncStreamWriter<T>
{
}
