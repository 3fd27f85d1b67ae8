using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Reflection;
using Sidecar.Configuration;

namespace Sidecar.Hosting.Configuration;

/// <summary>
/// One configuration key, as the options classes declare it. The table in docs/configuration.md is checked against these.
/// </summary>
/// <param name="Key">As on the command line and in JSON: <c>Staging:Directory</c>.</param>
/// <param name="Default">Empty where there is none.</param>
/// <param name="Type">Of the property.</param>
/// <param name="Rule">What is allowed; null where anything of the type is.</param>
internal sealed record Setting(string Key, string Default, Type Type, AllowedAttribute? Rule)
{
    /// <summary>In words; empty where anything of the type is allowed.</summary>
    public string Allowed => Rule?.Allowed ?? "";

    /// <summary>The environment variable of the same meaning.</summary>
    public string EnvironmentVariable => "SIDECAR_" + Key.Replace(":", "__", StringComparison.Ordinal);

    /// <summary>Every key of an options class that has only plain values.</summary>
    public static IEnumerable<Setting> Of<
        [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicProperties)] TOptions>(
        string section, TOptions defaults)
        where TOptions : class
    {
        foreach (var property in typeof(TOptions).GetProperties())
        {
            var value = property.GetValue(defaults);
            if (value is not null && !IsPlain(property.PropertyType)) continue;
            yield return new Setting(
                $"{section}:{property.Name}",
                Text(value),
                property.PropertyType,
                property.GetCustomAttribute<AllowedAttribute>());
        }
    }

    private static bool IsPlain(Type type) =>
        type.IsPrimitive || type == typeof(string) || type == typeof(TimeSpan) || type.IsEnum
        || typeof(IEnumerable).IsAssignableFrom(type);

    private static string Text(object? value) => value switch
    {
        null => "",
        string text => text,
        IEnumerable list => string.Join(", ", list.Cast<object>()),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
    };
}
