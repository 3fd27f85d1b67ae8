using System.Diagnostics;
using Sidecar.FuzzTests.Targets;

namespace Sidecar.FuzzTests.Engine;

/// <summary>Fuzzes one target, as libFuzzer would: in this process, on this thread, led by the branches that inputs reach.</summary>
public static class FuzzRun
{
    public const string Inspection = "inspection";
    public const string Decompression = "decompression";

    /// <summary>Has a fault, by which the engine is tested.</summary>
    public const string Faulty = "faulty";

    private static readonly TimeSpan ReportEvery = TimeSpan.FromSeconds(30);

    /// <summary>Changes inputs until the time is over, as many were tried as were asked for, or one fails.</summary>
    /// <param name="corpus">Zip archive of inputs to begin with, beside those that the target makes; it need not exist.</param>
    /// <param name="keepIn">Where to write inputs that reach new branches; null: nowhere.</param>
    /// <returns>What failed, and where its input was written; empty when nothing did.</returns>
    public static string Fuzz(string target, string corpus, string? keepIn, TimeSpan time, long executions, int seed)
    {
        var coverage = new Coverage(); // before anything that is instrumented
        using var tried = Create(target);
        using var hangs = new HangWatch(target);
        var inputs = new Corpus(keepIn is null ? null : Path.Combine(keepIn, target));
        var runner = new Runner(tried, coverage, inputs, hangs);
        var failure = Begin(runner, tried.Seeds().Concat(Corpus.Read(corpus)))
            ?? Change(runner, inputs, new Mutator(new Random(seed), tried.Words), time, executions);
        Console.Error.WriteLine($"{target}: {runner.Executions} executions, {inputs.Count} inputs, {coverage.Count} branches");
        return failure ?? "";
    }

    private static string? Begin(Runner runner, IEnumerable<byte[]> seeds)
    {
        foreach (var seed in seeds)
        {
            if (runner.Try(seed) is { } failure) return failure;
        }

        return null;
    }

    private static string? Change(Runner runner, Corpus inputs, Mutator mutator, TimeSpan time, long executions)
    {
        var watch = Stopwatch.StartNew();
        for (var report = ReportEvery; runner.Executions < executions && watch.Elapsed < time;)
        {
            if (runner.Try(mutator.Change(inputs)) is { } failure) return failure;
            if (watch.Elapsed < report) continue;
            report += ReportEvery;
            Console.Error.WriteLine($"{watch.Elapsed:hh\\:mm\\:ss} {runner.Executions} executions, {inputs.Count} inputs");
        }

        return null;
    }

    private static IFuzzTarget Create(string name) => name switch
    {
        Inspection => new InspectionTarget(),
        Decompression => new DecompressionTarget(),
        Faulty => new FaultyTarget(),
        _ => throw new ArgumentException($"There is no target {name}: {Inspection}, {Decompression}, {Faulty}.", nameof(name)),
    };
}
