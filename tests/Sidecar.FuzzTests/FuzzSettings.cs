using System.Globalization;

namespace Sidecar.FuzzTests;

/// <summary>How long each target is tried, and what the changes are drawn from.</summary>
/// <param name="Target">Null: all of them.</param>
/// <param name="KeepIn">Directory for inputs that reach new branches; null: they are not kept.</param>
internal sealed record FuzzSettings(TimeSpan Time, long Executions, int Seed, string? Target, string? KeepIn)
{
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(25); // what eng/test has time for

    /// <summary>From the variables that eng/fuzz sets.</summary>
    public static FuzzSettings FromEnvironment() => new(
        Number("FUZZ_MINUTES") is { } minutes ? TimeSpan.FromMinutes(minutes) : Short,
        Number("FUZZ_EXECUTIONS") ?? long.MaxValue,
        (int?)Number("FUZZ_SEED") ?? Environment.TickCount,
        Text("FUZZ_TARGET"),
        Text("FUZZ_KEEP"));

    private static string? Text(string variable) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text ? text : null;

    private static long? Number(string variable) => long.TryParse(
        Text(variable), NumberStyles.Integer, CultureInfo.InvariantCulture, out var number) ? number : null;
}
