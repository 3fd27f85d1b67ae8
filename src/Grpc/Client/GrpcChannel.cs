using Grpc.Core;

namespace Grpc.Net.Client;

/// <summary>
/// A way to one server over HTTP/2. Connections are made when calls need them; one channel serves any number of calls
/// at once, from any thread. Disposing it cancels the calls under way.
/// </summary>
public sealed class GrpcChannel : ChannelBase, IDisposable
{
    private GrpcChannel(Uri address)
        : base(address.Authority)
    {
    }

    /// <param name="address"><c>http://host:port</c>, <c>https://host:port</c> or <c>unix:/path/to.sock</c>.</param>
    public static GrpcChannel ForAddress(string address) => ForAddress(address, new GrpcChannelOptions());

    /// <inheritdoc cref="ForAddress(string)"/>
    public static GrpcChannel ForAddress(string address, GrpcChannelOptions channelOptions) =>
        ForAddress(new Uri(address), channelOptions);

    /// <inheritdoc cref="ForAddress(string)"/>
    public static GrpcChannel ForAddress(Uri address) => ForAddress(address, new GrpcChannelOptions());

    /// <inheritdoc cref="ForAddress(string)"/>
    /// <exception cref="ArgumentException">The address is none of the forms.</exception>
    public static GrpcChannel ForAddress(Uri address, GrpcChannelOptions channelOptions)
    {
        ArgumentNullException.ThrowIfNull(address);
        ArgumentNullException.ThrowIfNull(channelOptions);
        return new GrpcChannel(address);
    }

    public override CallInvoker CreateCallInvoker() => throw new NotImplementedException();

    public void Dispose()
    {
    }
}
