using Sidecar.Rpc;
using Sidecar.Staging;

namespace Sidecar.Hosting;

/// <summary>Every configuration key of the daemon.</summary>
internal static class Settings
{
    public static IReadOnlyList<Setting> All { get; } =
    [
        .. Setting.Of(HostingOptions.Section, new HostingOptions()),
        .. Setting.Of(RpcOptions.Section, new RpcOptions()),
        .. Setting.Of(StagingOptions.Section, new StagingOptions()),
    ];
}
