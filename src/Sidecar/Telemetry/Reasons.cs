using System.Text.Json;

namespace Sidecar.Telemetry;

/// <summary>The stable reasons of errors, logs and metrics.</summary>
internal static class Reasons
{
    /// <summary>An enum value's name in upper snake case: <c>OffsetMismatch</c> is OFFSET_MISMATCH.</summary>
    public static string Reason<TEnum>(this TEnum error)
        where TEnum : struct, Enum => JsonNamingPolicy.SnakeCaseUpper.ConvertName(error.ToString());

    /// <summary>A value's name as labels and pages write it, in lower snake case.</summary>
    public static string Label<TEnum>(this TEnum value)
        where TEnum : struct, Enum => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString());
}
