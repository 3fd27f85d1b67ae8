using System.Globalization;

namespace Sidecar.SoakTests;

/// <summary>How long a soak lasts, and what its decisions are drawn from.</summary>
/// <param name="Time">How long clients and disturbances go on; the checks at the end come on top.</param>
/// <param name="Seed">Decides who does what. When it happens is up to the machine, so that the same seed is not the same run.</param>
internal sealed record SoakSettings(TimeSpan Time, int Seed)
{
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(40); // what eng/test has time for

    /// <summary>From <c>SOAK_MINUTES</c> and <c>SOAK_SEED</c>, which eng/soak sets.</summary>
    public static SoakSettings FromEnvironment() => new(
        Number("SOAK_MINUTES") is { } minutes ? TimeSpan.FromMinutes(minutes) : Short,
        Number("SOAK_SEED") ?? Environment.TickCount);

    private static int? Number(string variable) => int.TryParse(
        Environment.GetEnvironmentVariable(variable), NumberStyles.Integer, CultureInfo.InvariantCulture, out var number) ? number : null;
}
