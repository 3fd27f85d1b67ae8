using System.Collections.Concurrent;
using NUnit.Framework;

namespace Sidecar.SoakTests.Ledger;

/// <summary>Promises that were broken, each said at once: a soak is long, and the machine may end it.</summary>
internal sealed class Violations(int seed)
{
    private readonly ConcurrentQueue<string> _all = new();

    public IReadOnlyList<string> All => _all.ToArray();

    /// <param name="promised">What was promised, and by which call.</param>
    /// <param name="seen">What was seen instead, and by which call.</param>
    public void Add(string promised, string seen)
    {
        var line = $"{DateTime.UtcNow:HH:mm:ss.fff} seed {seed}: promised: {promised}; seen: {seen}";
        _all.Enqueue(line);
        TestContext.Progress.WriteLine("VIOLATION " + line);
    }
}
