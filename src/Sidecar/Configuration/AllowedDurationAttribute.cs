using System.Globalization;

namespace Sidecar.Configuration;

/// <summary>A duration between two others, written as <c>d.hh:mm:ss</c>.</summary>
internal sealed class AllowedDurationAttribute(string min, string max) : AllowedAttribute($"{min} to {max} (d.hh:mm:ss)")
{
    public TimeSpan Min { get; } = TimeSpan.Parse(min, CultureInfo.InvariantCulture);

    public TimeSpan Max { get; } = TimeSpan.Parse(max, CultureInfo.InvariantCulture);

    protected override bool Allows(object? value) => value is TimeSpan duration && duration >= Min && duration <= Max;
}
