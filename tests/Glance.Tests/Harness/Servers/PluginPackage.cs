using System.Reflection;

namespace Glance.Tests.Harness.Servers;

/// <summary>The Python package, built and installed as its users do it, without a network.</summary>
internal static class PluginPackage
{
    private const string Python = "/usr/bin/python3";

    public static string RepoRoot { get; } = typeof(PluginPackage).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>().Single(data => data.Key == nameof(RepoRoot)).Value!;

    /// <summary>Python modules of the suite itself.</summary>
    public static string SuiteModules => Path.Combine(AppContext.BaseDirectory, "python");

    /// <returns>A directory for PYTHONPATH.</returns>
    public static async Task<string> InstallAsync(string directory)
    {
        // The build writes beside its sources, and the protos are found from there.
        var source = Path.Combine(directory, "source");
        Directory.CreateDirectory(Path.Combine(source, "src"));
        await Command.RunAsync(["cp", "-r", Path.Combine(RepoRoot, "protos"), source]);
        await Command.RunAsync(["cp", "-r", Path.Combine(RepoRoot, "src", "glance-plugin"), Path.Combine(source, "src")]);
        var wheels = Path.Combine(directory, "wheels");
        await Command.RunAsync(
            [Python, "-m", "pip", "wheel", "--quiet", "--no-build-isolation", "--no-deps", "--no-index",
            "--wheel-dir", wheels, Path.Combine(source, "src", "glance-plugin")]);
        var site = Path.Combine(directory, "site");
        await Command.RunAsync(
            [Python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", site,
            Directory.GetFiles(wheels, "*.whl").Single()]);
        return site;
    }
}
