using Microsoft.Extensions.Options;
using Sidecar.Peers.Forwarding;
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
        services.AddHostedService(provider => provider.GetRequiredService<PeerDirectory>());
        return services;
    }
}
