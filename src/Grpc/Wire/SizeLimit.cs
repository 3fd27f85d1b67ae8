using Grpc.Core;

namespace Grpc.Wire;

/// <summary>Refuses messages over the configured size.</summary>
internal static class SizeLimit
{
    public static void CheckReceived(uint bytes, int? maxBytes) => Check(bytes, maxBytes, "Received");

    public static void CheckSent(int bytes, int? maxBytes) => Check(bytes, maxBytes, "Sending");

    private static void Check(long bytes, int? maxBytes, string verb)
    {
        if (bytes > (maxBytes ?? Array.MaxLength))
        {
            throw new RpcException(new Status(
                StatusCode.ResourceExhausted,
                $"{verb} a message of {bytes} bytes, more than the limit of {maxBytes ?? Array.MaxLength}."));
        }
    }
}
