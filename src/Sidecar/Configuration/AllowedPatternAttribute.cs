using System.Text.RegularExpressions;

namespace Sidecar.Configuration;

/// <summary>A text that matches a regular expression, described in words.</summary>
internal sealed class AllowedPatternAttribute(string pattern, string allowed) : AllowedAttribute(allowed)
{
    public string Pattern { get; } = pattern;

    protected override bool Allows(object? value) =>
        value is string text && Regex.IsMatch(text, Pattern, RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
}
