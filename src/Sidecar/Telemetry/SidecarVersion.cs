using System.Reflection;

namespace Sidecar.Telemetry;

/// <summary>Version of this build.</summary>
internal static class SidecarVersion
{
    public static string Text { get; } =
        typeof(SidecarVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()
            ?.InformationalVersion.Split('+')[0] ?? "0";
}
