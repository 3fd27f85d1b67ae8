namespace Sidecar.Hosting.Listening;

/// <summary>Where the Unix socket is when nobody says; the daemon and stagectl must agree.</summary>
internal static class SocketLocation
{
    private const string ProductDirectory = "glance-staging-sidecar";

    public static string Default => Path.Combine(BaseDirectory(), ProductDirectory, "sidecar.sock");

    // XDG Base Directory Specification.
    private static string BaseDirectory()
    {
        foreach (var variable in (ReadOnlySpan<string>)["XDG_RUNTIME_DIR", "XDG_STATE_HOME"])
        {
            var value = Environment.GetEnvironmentVariable(variable);
            if (!string.IsNullOrEmpty(value) && Path.IsPathFullyQualified(value)) return value;
        }

        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        return Path.Combine(home.Length > 0 ? home : Path.GetTempPath(), ".local", "state");
    }
}
