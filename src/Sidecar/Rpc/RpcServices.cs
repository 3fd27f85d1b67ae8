using Grpc.AspNetCore.Server;
using Microsoft.Extensions.Options;
using Sidecar.Import;
using Sidecar.Peers.Announcing;
using Sidecar.Peers.Transfer;

namespace Sidecar.Rpc;

/// <summary>Registers and maps the gRPC services of the local API.</summary>
internal static class RpcServices
{
    public static IServiceCollection AddRpc(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<RpcOptions>()
            .Bind(configuration.GetSection(RpcOptions.Section), binder => binder.ErrorOnUnknownConfiguration = true)
            .ValidateOnStart();
        services.AddSingleton<IValidateOptions<RpcOptions>, RpcOptionsValidator>();
        services.AddGrpc();
        services.AddGrpcReflection();
        services.AddOptions<GrpcServiceOptions>().Configure<IOptions<RpcOptions>>(
            (grpc, rpc) => grpc.MaxReceiveMessageSize = rpc.Value.MaxMessageBytes);
        services.AddSingleton<StageCall>().AddSingleton<ReserveCall>().AddSingleton<FindUploadCall>();
        services.AddSingleton<ImageReader>();
        services.AddSingleton<LocalTable>().AddSingleton<OwnerCalls>().AddSingleton<OwnerRouter>();
        services.AddSingleton<ReadCall>().AddSingleton<DeleteCall>().AddSingleton<RunImportCall>()
            .AddSingleton<ReleaseCall>().AddSingleton<OutputBringer>().AddSingleton<LocateCall>()
            .AddSingleton<InspectCall>();
        services.AddSingleton<IsImported>(provider => image => provider.GetRequiredService<ImportQueue>().List(image)
            .Any(import => import.State is ImportState.Queued or ImportState.Running or ImportState.Succeeded));
        services.AddSingleton<IDrainedImports, DrainedImports>();
        services.AddSingleton<DrainCall>();
        services.AddSingleton<StagingService>();
        services.AddSingleton<ImportsService>();
        services.AddSingleton<PeersService>();
        services.AddSingleton<OperationsService>();
        return services;
    }
}
