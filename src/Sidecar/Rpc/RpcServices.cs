using Glance.Sidecar.V1;
using Grpc.AspNetCore.Server;
using Grpc.Health.V1;
using Grpc.Reflection;
using Grpc.Reflection.V1;
using Microsoft.Extensions.Options;
using Sidecar.Rpc.Calls;
using Sidecar.Rpc.Cluster;
using Sidecar.Rpc.Downloading;
using Sidecar.Rpc.Images;
using Sidecar.Rpc.Importing;
using Sidecar.Rpc.Limits;
using Sidecar.Rpc.Storing;
using Sidecar.Rpc.Uploads;
using AlphaReflection = Grpc.Reflection.V1Alpha.ServerReflection;
using ServiceDescriptor = Google.Protobuf.Reflection.ServiceDescriptor;

namespace Sidecar.Rpc;

/// <summary>Registers and maps the gRPC services of the local API.</summary>
internal static class RpcServices
{
    /// <summary>What reflection tells of: every service that is mapped, except itself.</summary>
    public static readonly IReadOnlyList<ServiceDescriptor> Described =
    [
        Glance.Sidecar.V1.Staging.Descriptor, Imports.Descriptor, Glance.Sidecar.V1.Stores.Descriptor,
        Glance.Sidecar.V1.Downloads.Descriptor, Glance.Sidecar.V1.Peers.Descriptor, Operations.Descriptor,
        Health.Descriptor, ServerReflection.Descriptor, AlphaReflection.Descriptor,
    ];

    public static IServiceCollection AddRpc(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<RpcOptions>()
            .Bind(configuration.GetSection(RpcOptions.Section), binder => binder.ErrorOnUnknownConfiguration = true)
            .ValidateOnStart();
        services.AddSingleton<IValidateOptions<RpcOptions>, RpcOptionsValidator>();
        services.AddGrpc(grpc =>
        {
            // The first one is the outermost: it measures and logs the statuses that the second one makes of refusals.
            grpc.Interceptors.Add<CallObserver>();
            grpc.Interceptors.Add<RefusalMapper>();
        });
        services.AddSingleton<CallObserver>().AddSingleton<RefusalMapper>();
        services.AddOptions<GrpcServiceOptions>().Configure<IOptions<RpcOptions>>(
            (grpc, rpc) => grpc.MaxReceiveMessageSize = rpc.Value.MaxMessageBytes);
        services.AddSingleton(_ => new ReflectionServiceImpl(Described));
        services.AddSingleton(_ => new ReflectionV1ServiceImpl(Described));
        services.AddSingleton<UploadAdmission>().AddSingleton<StageCall>().AddSingleton<ReceiveCall>()
            .AddSingleton<ReserveCall>().AddSingleton<FindUploadCall>();
        services.AddSingleton<ImageReader>().AddSingleton<ReadAdmission>();
        services.AddSingleton<ReadCall>().AddSingleton<DeleteCall>().AddSingleton<RunImportCall>()
            .AddSingleton<ReleaseCall>().AddSingleton<LocateCall>()
            .AddSingleton<InspectCall>();
        services.AddSingleton<DrainCall>().AddSingleton<PodCondition>();
        services.AddSingleton<SourceRouter>().AddSingleton<StoreOutputCall>();
        services.AddSingleton<DownloadCall>().AddSingleton<DownloadsService>();
        services.AddSingleton<StagingService>();
        services.AddSingleton<ImportsService>();
        services.AddSingleton<StoresService>();
        services.AddSingleton<PeersService>();
        services.AddSingleton<OperationsService>();
        return services;
    }
}
