using Microsoft.Extensions.Options;
using Sidecar.Import.Settings;
using Sidecar.Peers.Transfer;
using Sidecar.Routing.Announcing;
using Sidecar.Routing.Core;
using Sidecar.Routing.Deleting;
using Sidecar.Routing.Forwarding;
using Sidecar.Routing.Locating;
using Sidecar.Routing.Outputs;

namespace Sidecar.Routing;

/// <summary>
/// Registers the routing slice: finding the owner of an image or an import, passing calls on to it, and having its
/// outputs here. To be added before the peers: what is registered here must hear of every peer that returns.
/// </summary>
internal static class RoutingServices
{
    public static IServiceCollection AddPeerRouting(this IServiceCollection services)
    {
        services.AddSingleton<ForwardingMetrics>().AddSingleton<Forwarder>().AddSingleton<StreamForwarder>();
        services.AddSingleton<OwnerMemory>().AddSingleton<PeerPoll>().AddSingleton<Locator>().AddSingleton<UploadLocator>();
        services.AddSingleton<RemoteUploadFinder>();
        services.AddSingleton<LocalTable>().AddSingleton<OwnerCalls>().AddSingleton<OwnerRouter>();
        services.AddSingleton<Tombstones>().AddSingleton<TombstoneBroadcaster>();
        services.AddSingleton<Announcer>().AddSingleton<Announcements>().AddSingleton<Duplicates>();
        services.AddHostedService(provider => provider.GetRequiredService<TombstoneBroadcaster>());
        services.AddHostedService(provider => provider.GetRequiredService<Announcer>());
        services.AddHostedService<DuplicateRemoval>();
        // An output that was fetched lives as long as one that was made here.
        services.AddSingleton(provider => new FetchedOutputs(
            provider.GetRequiredService<TransferContext>(),
            provider.GetRequiredService<IOptions<ImportOptions>>().Value.Retention));
        services.AddSingleton<OutputFetcher>();
        return services;
    }
}
