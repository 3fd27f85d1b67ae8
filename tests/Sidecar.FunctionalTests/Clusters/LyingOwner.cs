using Glance.Sidecar.V1;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Sidecar.Staging.Files;

namespace Sidecar.FunctionalTests.Clusters;

/// <summary>An owner whose answers to ReadImage are wrong in one way.</summary>
internal sealed class LyingOwner : IAsyncDisposable
{
    private readonly WebApplication _app;

    private LyingOwner(WebApplication app) => _app = app;

    public enum Lie
    {
        None,
        OnceAboutTheCrc,
        AlwaysAboutTheCrc,
        AboutTheLength,
        EndsEarly,
        BeyondTheEnd,
    }

    public string Address => "liar=" + new Uri(
        _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single()).Authority;

    public static async Task<LyingOwner> StartAsync(Lie lie, byte[] content)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Services.AddLogging(logging => logging.ClearProviders());
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(
            System.Net.IPAddress.Loopback, 0, listener => listener.Protocols = HttpProtocols.Http2));
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(new Service(lie, content));
        var app = builder.Build();
        app.MapGrpcService<Service>();
        await app.StartAsync();
        return new LyingOwner(app);
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private sealed class Service(Lie lie, byte[] content) : Glance.Sidecar.V1.Staging.StagingBase
    {
        private const int ChunkBytes = 1 << 20;

        private bool _lied;

        public override async Task ReadImage(
            ReadImageRequest request, IServerStreamWriter<ReadImageResponse> responseStream, ServerCallContext context)
        {
            for (var offset = (int)request.Offset; offset < content.Length; offset += ChunkBytes)
            {
                if (lie == Lie.EndsEarly && offset > 0) return;
                await responseStream.WriteAsync(Chunk(offset, isFirst: offset == (int)request.Offset), context.CancellationToken);
            }
        }

        private ReadImageResponse Chunk(int offset, bool isFirst)
        {
            var data = content.AsSpan(offset, Math.Min(ChunkBytes, content.Length - offset));
            var chunk = new ReadImageResponse
            {
                Offset = (ulong)offset, Data = ByteString.CopyFrom(data), Crc32C = Crc32C.Append(Crc32C.Empty, data),
            };
            if (isFirst) chunk.TotalSize = (ulong)(content.Length + (lie == Lie.AboutTheLength ? 1 : 0));
            if (lie == Lie.BeyondTheEnd && offset > 0) chunk.Offset = (ulong)content.Length;
            if (offset == 0 || lie is not (Lie.OnceAboutTheCrc or Lie.AlwaysAboutTheCrc)) return chunk;
            if (lie == Lie.AlwaysAboutTheCrc || !_lied) chunk.Crc32C++;
            _lied = true;
            return chunk;
        }
    }
}
