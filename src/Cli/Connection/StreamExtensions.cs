using Grpc.Core;

namespace Stagectl.Connection;

internal static class StreamExtensions
{
    /// <summary>All responses of a list call.</summary>
    public static async Task<List<T>> ToListAsync<T>(this IAsyncStreamReader<T> responses, Invocation invocation)
        where T : class
    {
        var items = new List<T>();
        while (await responses.MoveNext(invocation.Interrupted)) items.Add(responses.Current);
        return items;
    }
}
