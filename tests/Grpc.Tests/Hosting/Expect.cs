using Grpc.Core;

namespace Grpc.Tests.Hosting;

internal static class Expect
{
    /// <summary>Waits for a call to fail, and with this code.</summary>
    public static async Task<RpcException> FailureAsync(StatusCode code, Func<Task> call)
    {
        try
        {
            await call();
        }
        catch (RpcException failure)
        {
            Assert.That(failure.StatusCode, Is.EqualTo(code), failure.ToString());
            return failure;
        }

        throw new AssertionException($"The call succeeded instead of failing with {code}.");
    }
}
