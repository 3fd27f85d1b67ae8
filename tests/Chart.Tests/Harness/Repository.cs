using System.Reflection;

namespace Chart.Tests.Harness;

/// <summary>Where things are.</summary>
internal static class Repository
{
    /// <summary>Set, tests write what they would otherwise compare with: golden files, the patch, the schema.</summary>
    public const string RewriteVariable = "CHART_TESTS_REWRITE";

    public static string Root => Metadata("Root");

    public static string Chart => Path.Combine(Root, "charts", "glance-staging-sidecar");

    public static string Tests => Path.Combine(Root, "tests", "Chart.Tests");

    public static bool Rewrites => Environment.GetEnvironmentVariable(RewriteVariable) == "1";

    /// <summary>Value sets by name.</summary>
    public static string[] ValueSets =>
        [.. Directory.GetFiles(Path.Combine(Tests, "values")).Select(Path.GetFileNameWithoutExtension).Order()!];

    public static string Values(string set) => Path.Combine(Tests, "values", set + ".yaml");

    public static string Metadata(string key) => typeof(Repository).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>().Single(metadata => metadata.Key == key).Value!;
}
