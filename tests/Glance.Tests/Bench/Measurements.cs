namespace Glance.Tests.Bench;

/// <summary>The values of figures over all rounds.</summary>
internal sealed class Measurements
{
    private readonly Dictionary<string, List<double>> _values = [];

    public void Add(string figure, double value)
    {
        if (!_values.TryGetValue(figure, out var values)) _values[figure] = values = [];
        values.Add(value);
    }

    public void Forget() => _values.Clear();

    /// <returns>Null when it was not measured.</returns>
    public double? Median(string figure)
    {
        if (!_values.TryGetValue(figure, out var values)) return null;
        var sorted = values.Order().ToList();
        return sorted[sorted.Count / 2];
    }
}
