using Sidecar.Downloads.Core;
using Sidecar.Import.Settings;
using Sidecar.Ingest.Core;
using Sidecar.Peers.Core;
using Sidecar.Rpc.Limits;
using Sidecar.Staging.Core;
using Sidecar.Stores.Core;
using Sidecar.Webhook.Core;

namespace Sidecar.Hosting.Configuration;

/// <summary>Every configuration key of the daemon.</summary>
internal static class Settings
{
    public static IReadOnlyList<Setting> All { get; } =
    [
        .. Setting.Of(HostingOptions.Section, new HostingOptions()),
        .. Setting.Of(RpcOptions.Section, new RpcOptions()),
        .. Setting.Of(StagingOptions.Section, new StagingOptions()),
        .. Setting.Of(PeersOptions.Section, new PeersOptions()),
        .. Setting.Of(ImportOptions.Section, new ImportOptions()),
        .. Setting.Of(ImportOptions.Section + ":Decompression", new DecompressionOptions()),
        .. Setting.Of(ImportOptions.Section + ":Conversion", new ConversionOptions()),
        .. Setting.Of(ImportOptions.Section + ":Metadata", new MetadataOptions()),
        .. Setting.Of(ImportOptions.Section + ":Tools", new ToolOptions()),
        .. Setting.Of(StoresOptions.Section, new StoresOptions()),
        .. Setting.Of(DownloadsOptions.Section, new DownloadsOptions()),
        .. Setting.Of(IngestOptions.Section, new IngestOptions()),
        .. Setting.Of(WebhookOptions.Section, new WebhookOptions()),
    ];
}
