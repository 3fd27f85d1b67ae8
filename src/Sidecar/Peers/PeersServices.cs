using Microsoft.Extensions.Options;
using Sidecar.Peers.Forwarding;
using Sidecar.Peers.Membership;
using Sidecar.Peers.Transfer;
using Sidecar.Staging;

namespace Sidecar.Peers;

/// <summary>Registers the peers slice.</summary>
internal static class PeersServices
{
    public static IServiceCollection AddPeers(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<PeersOptions>()
            .Bind(configuration.GetSection(PeersOptions.Section), binder => binder.ErrorOnUnknownConfiguration = true)
            .ValidateOnStart();
        services.AddSingleton<IValidateOptions<PeersOptions>, PeersOptionsValidator>();
        services.AddSingleton<Self>().AddSingleton<ForwardMark>();
        services.AddSingleton<IPeerDiscovery>(
            provider => new StaticPeers(provider.GetRequiredService<IOptions<PeersOptions>>().Value));
        services.AddSingleton<PeerChannels>().AddSingleton<PeerProbe>().AddSingleton<PeerDirectory>();
        services.AddHostedService(provider => provider.GetRequiredService<PeerDirectory>());
        services.AddSingleton<TransferMetrics>();
        services.AddSingleton(provider => new TransferContext(
            provider.GetRequiredService<StagingContext>(),
            provider.GetRequiredService<SpaceLedger>(),
            provider.GetRequiredService<PeerDirectory>().Find,
            provider.GetRequiredService<ForwardMark>(),
            provider.GetRequiredService<IOptions<PeersOptions>>().Value,
            provider.GetRequiredService<TransferMetrics>(),
            provider.GetRequiredService<ILoggerFactory>().CreateLogger("Sidecar.Peers.Transfer")));
        services.AddSingleton<DrainLeftovers>().AddSingleton<HandOver>().AddTransient<DrainRun>();
        services.AddSingleton<Func<DrainRun>>(provider => provider.GetRequiredService<DrainRun>).AddSingleton<PodDrain>();
        return services;
    }
}
