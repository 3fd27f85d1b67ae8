using System.Net;
using Glance.Sidecar.V1;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.FunctionalTests.Clusters;

/// <summary>
/// Stands where a pod stood and shows what is asked of it. Of a version that does not know Locate; has every image.
/// </summary>
internal sealed class FakePeer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ImagesOfEverybody _staging;

    private FakePeer(WebApplication app, ImagesOfEverybody staging) => (_app, _staging) = (app, staging);

    /// <summary>The last GetImage.</summary>
    public (GetImageRequest Request, Metadata Headers, DateTime Deadline) Asked => _staging.Asked;

    /// <param name="ahead">Of its clock; null: it does not tell the time.</param>
    public static async Task<FakePeer> StartAsync(string address, string name, TimeSpan? ahead = null)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(
            IPAddress.Parse(address), Cluster.PeerPort, listener => listener.Protocols = HttpProtocols.Http2));
        var staging = new ImagesOfEverybody(name);
        builder.Services.AddRouting().AddGrpc();
        builder.Services.AddSingleton(staging).AddSingleton(new OldPeer(name, ahead));
        var app = builder.Build();
        app.UseRouting();
        app.MapGrpcService<OldPeer>();
        app.MapGrpcService<ImagesOfEverybody>();
        await app.StartAsync();
        return new FakePeer(app, staging);
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    internal sealed class OldPeer(string name, TimeSpan? ahead) : Glance.Sidecar.V1.Peers.PeersBase
    {
        public override Task<Peer> Describe(DescribeRequest request, ServerCallContext context) => Task.FromResult(new Peer
        {
            Name = name, Instance = "fake", Version = "0",
            Now = ahead is { } by ? Timestamp.FromDateTime(DateTime.UtcNow + by) : null,
        });
    }

    internal sealed class ImagesOfEverybody(string name) : Glance.Sidecar.V1.Staging.StagingBase
    {
        public (GetImageRequest, Metadata, DateTime) Asked { get; private set; }

        public override Task<StagedImage> GetImage(GetImageRequest request, ServerCallContext context)
        {
            Asked = (request, context.RequestHeaders, context.Deadline);
            return Task.FromResult(new StagedImage { ImageId = request.ImageId, Owner = name });
        }
    }
}
