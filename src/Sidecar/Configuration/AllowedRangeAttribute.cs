using System.Globalization;

namespace Sidecar.Configuration;

/// <summary>A whole number from <paramref name="min"/> to <paramref name="max"/>, both included.</summary>
internal sealed class AllowedRangeAttribute(long min, long max) : AllowedAttribute($"{min} to {max}")
{
    public long Min { get; } = min;

    public long Max { get; } = max;

    protected override bool Allows(object? value) =>
        Convert.ToInt64(value, CultureInfo.InvariantCulture) is var number && number >= Min && number <= Max;
}
