using NUnit.Framework;
using Sidecar.FuzzTests.Engine;

namespace Sidecar.FuzzTests;

/// <summary>
/// Whatever bytes somebody uploads get a verdict: no other exception, no hang, and no more memory than allowed. Inputs are
/// changed at random, and those that reach new branches of the daemon are changed further.
/// </summary>
[CancelAfter(86_400_000)]
internal sealed class FuzzTests
{
    private static readonly string Corpus = Path.Combine(TestContext.CurrentContext.TestDirectory, "corpus");

    [TestCase(FuzzRun.Inspection)]
    [TestCase(FuzzRun.Decompression)]
    public void AnyBytes_GetAVerdict(string target)
    {
        var settings = FuzzSettings.FromEnvironment();
        if (settings.Target is { } only && only != target) Assert.Ignore("Another target was asked for.");
        TestContext.Progress.WriteLine($"{target}: FUZZ_SEED={settings.Seed}");
        using var daemon = new InstrumentedDaemon();

        var failure = daemon.Fuzz(
            target, Path.Combine(Corpus, target + ".zip"), settings.KeepIn, settings.Time, settings.Executions, settings.Seed);

        Assert.That(failure, Is.Empty);
    }

    [Test]
    public void AnEngineThatMeetsAFault_ReportsIt()
    {
        using var daemon = new InstrumentedDaemon();

        var failure = daemon.Fuzz(FuzzRun.Faulty, Path.Combine(Corpus, FuzzRun.Faulty + ".zip"), null, TimeSpan.FromMinutes(2), long.MaxValue, seed: 1);

        Assert.That(failure, Does.Contain(nameof(IndexOutOfRangeException)));
    }
}
