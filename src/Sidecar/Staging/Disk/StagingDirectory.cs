using Sidecar.Staging.Core;

namespace Sidecar.Staging.Disk;

/// <summary>Where the staging directory is when nobody says.</summary>
internal static class StagingDirectory
{
    public static string Resolve(StagingOptions options)
    {
        if (options.Directory.Length > 0) return options.Directory;
        return Path.Combine(StateHome(), "glance-staging-sidecar", "staging");
    }

    // XDG Base Directory Specification: state that outlives restarts but is of no use on another machine.
    private static string StateHome()
    {
        var state = Environment.GetEnvironmentVariable("XDG_STATE_HOME");
        if (!string.IsNullOrEmpty(state) && Path.IsPathFullyQualified(state)) return state;
        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        return Path.Combine(home.Length > 0 ? home : Path.GetTempPath(), ".local", "state");
    }
}
