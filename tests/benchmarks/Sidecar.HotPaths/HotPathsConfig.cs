using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

namespace Sidecar.HotPaths;

/// <summary>Short runs in this very process, and one table of all of them.</summary>
internal static class HotPathsConfig
{
    /// <param name="log">What it says meanwhile.</param>
    /// <param name="directory">For its files.</param>
    public static IConfig Create(ILogger log, string directory) => ManualConfig.CreateEmpty()
        // A process of its own for each would have to be built, against the locked packages of this repository.
        .AddJob(Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance))
        .AddDiagnoser(MemoryDiagnoser.Default)
        .AddColumnProvider(DefaultColumnProviders.Instance)
        .AddColumn(new BudgetColumn())
        .AddLogger(log)
        .WithOptions(ConfigOptions.JoinSummary)
        .WithArtifactsPath(directory);
}
