using Microsoft.Extensions.Options;
using Sidecar.Peers.Announcing;
using Sidecar.Peers.Deleting;
using Sidecar.Peers.Forwarding;
using Sidecar.Peers.Locating;
using Sidecar.Peers.Membership;

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
        services.AddSingleton<ForwardingMetrics>().AddSingleton<Forwarder>().AddSingleton<StreamForwarder>();
        services.AddSingleton<OwnerMemory>().AddSingleton<Locator>();
        services.AddSingleton<Tombstones>().AddSingleton<DeletionTeller>();
        services.AddSingleton<Announcer>().AddSingleton<Announcements>().AddSingleton<Duplicates>();
        // Before the directory, so that they hear of every peer that returns.
        services.AddHostedService(provider => provider.GetRequiredService<DeletionTeller>());
        services.AddHostedService(provider => provider.GetRequiredService<Announcer>());
        services.AddHostedService<DuplicateRemoval>();
        services.AddHostedService(provider => provider.GetRequiredService<PeerDirectory>());
        return services;
    }
}
