using System.Collections.Concurrent;

namespace Sidecar.SoakTests.Ledger;

/// <summary>How often what happened.</summary>
internal sealed class Figures
{
    private readonly ConcurrentDictionary<string, long> _counts = new(StringComparer.Ordinal);

    public void Count(string what, long number = 1) => _counts.AddOrUpdate(what, number, (_, sum) => sum + number);

    public long this[string what] => _counts.GetValueOrDefault(what);

    public override string ToString() => string.Join(
        ", ", _counts.ToArray().OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => $"{pair.Key} {pair.Value}"));
}
