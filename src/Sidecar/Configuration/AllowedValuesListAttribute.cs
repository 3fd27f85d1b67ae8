namespace Sidecar.Configuration;

/// <summary>A text, or a list of texts, out of a fixed set.</summary>
internal sealed class AllowedValuesListAttribute(params string[] values)
    : AllowedAttribute(string.Join(", ", values))
{
    public IReadOnlyList<string> Values { get; } = values;

    protected override bool Allows(object? value) => value switch
    {
        string one => Values.Contains(one),
        IEnumerable<string> many => many.All(Values.Contains),
        _ => false,
    };
}
