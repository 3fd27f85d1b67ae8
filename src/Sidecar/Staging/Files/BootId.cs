namespace Sidecar.Staging.Files;

/// <summary>
/// Identity of the running kernel. While it stays the same, what a killed process had written is still in the page
/// cache; once it differs, only what was fsynced can be trusted.
/// </summary>
internal static class BootId
{
    public static Guid Current { get; } =
        Guid.TryParse(File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim(), out var id) ? id : Guid.NewGuid();
}
