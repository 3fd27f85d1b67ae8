using NUnit.Framework;

namespace Chart.Tests;

/// <summary>What the tests share: a deadline, long enough for building the renderer on a busy machine.</summary>
[CancelAfter(300_000)]
internal abstract class ChartTest
{
    protected static CancellationToken Deadline => TestContext.CurrentContext.CancellationToken;
}
