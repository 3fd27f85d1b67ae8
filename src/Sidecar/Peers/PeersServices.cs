using Microsoft.Extensions.Options;
using Sidecar.Peers.Calls;
using Sidecar.Peers.Core;
using Sidecar.Peers.Discovery;
using Sidecar.Peers.Membership;
using Sidecar.Peers.Transfer;
using Sidecar.Peers.Trust;
using Sidecar.Staging.Core;
using Sidecar.Staging.Space;

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
        services.AddSingleton<IValidateOptions<PeersOptions>, PeersOptionsRules>();
        services.AddSingleton<PodIdentity>().AddSingleton<ForwardMark>();
        AddTrust(services);
        AddMembership(services);
        services.AddSingleton<PeersMetrics>();
        AddTransfer(services);
        return services;
    }

    private static void AddTrust(IServiceCollection services)
    {
        services.AddSingleton(provider => new TrustRules(Options(provider)));
        services.AddSingleton<CredentialWatch>().AddSingleton<PeerGate>().AddSingleton<PeerDialer>();
        services.AddHostedService(provider => provider.GetRequiredService<CredentialWatch>());
    }

    private static void AddTransfer(IServiceCollection services)
    {
        services.AddSingleton<TransferMetrics>();
        services.AddSingleton(provider => new TransferContext(
            provider.GetRequiredService<StagingContext>(),
            provider.GetRequiredService<SpaceLedger>(),
            provider.GetRequiredService<PeerDirectory>().Find,
            provider.GetRequiredService<ForwardMark>(),
            Options(provider),
            provider.GetRequiredService<TransferMetrics>(),
            provider.GetRequiredService<ILoggerFactory>().CreateLogger("Sidecar.Peers.Transfer")));
    }

    private static void AddMembership(IServiceCollection services)
    {
        services.AddSingleton<IPeerDiscovery>(provider => Options(provider) is { Service.Length: > 0 } options
            ? new DnsPeers(options, ResolverSettings.Of(options)) : new StaticPeers(Options(provider)));
        services.AddSingleton(provider => new PeerRoster(
            provider.GetRequiredService<PodIdentity>().Name,
            provider.GetRequiredService<PeerChannels>().Open,
            Options(provider).ForgetAfter,
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<PeerRoster>>()));
        services.AddSingleton(provider => new PeerMemory(
            Options(provider).Service.Length > 0 ? provider.GetRequiredService<StagingLayout>().PeersFile : null,
            provider.GetRequiredService<ILogger<PeerMemory>>()));
        services.AddSingleton<PeerChannels>().AddSingleton<PeerProbe>().AddSingleton<PeerDirectory>();
        services.AddHostedService(provider => provider.GetRequiredService<PeerDirectory>());
    }

    private static PeersOptions Options(IServiceProvider provider) =>
        provider.GetRequiredService<IOptions<PeersOptions>>().Value;
}
