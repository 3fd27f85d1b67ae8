using Grpc.Client;
using Grpc.Core;

namespace Grpc.Net.Client;

/// <summary>
/// A way to one server over HTTP/2. Connections are made when calls need them; one channel serves any number of calls
/// at once, from any thread. Disposing it cancels the calls under way.
/// </summary>
public sealed class GrpcChannel : ChannelBase, IDisposable
{
    private readonly ChannelTransport _transport;

    private GrpcChannel(ChannelTransport transport, string target)
        : base(target) => _transport = transport;

    /// <param name="address"><c>http://host:port</c>, <c>https://host:port</c> or <c>unix:/path/to.sock</c>.</param>
    public static GrpcChannel ForAddress(string address) => ForAddress(address, new GrpcChannelOptions());

    /// <inheritdoc cref="ForAddress(string)"/>
    public static GrpcChannel ForAddress(string address, GrpcChannelOptions channelOptions) =>
        ForAddress(new Uri(address), channelOptions);

    /// <inheritdoc cref="ForAddress(string)"/>
    public static GrpcChannel ForAddress(Uri address) => ForAddress(address, new GrpcChannelOptions());

    /// <inheritdoc cref="ForAddress(string)"/>
    /// <exception cref="ArgumentException">The address is none of the forms, or a unix one comes with a handler of the
    /// caller's (which then would have to connect itself).</exception>
    public static GrpcChannel ForAddress(Uri address, GrpcChannelOptions channelOptions)
    {
        ArgumentNullException.ThrowIfNull(address);
        ArgumentNullException.ThrowIfNull(channelOptions);
        var transport = ChannelTransport.Create(address, channelOptions);
        return new GrpcChannel(transport, address.Scheme == UnixSocket.Scheme ? address.ToString() : address.Authority);
    }

    public override CallInvoker CreateCallInvoker() => new HttpCallInvoker(_transport);

    public void Dispose() => _transport.Dispose();

    protected override Task ShutdownAsyncCore()
    {
        Dispose();
        return Task.CompletedTask;
    }
}
