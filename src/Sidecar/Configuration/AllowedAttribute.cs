using System.ComponentModel.DataAnnotations;
using System.Globalization;

namespace Sidecar.Configuration;

/// <summary>
/// Base of the option checks: the message names the configuration key, the value and what is allowed, which is all
/// that a person needs to mend it.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal abstract class AllowedAttribute(string allowed) : ValidationAttribute
{
    // The generated validators name a member "StagingOptions.MaxImageBytes"; people write "Staging:MaxImageBytes".
    private const string OptionsSuffix = "Options.";

    public string Allowed { get; } = allowed;

    protected abstract bool Allows(object? value);

    protected sealed override ValidationResult? IsValid(object? value, ValidationContext validationContext)
    {
        if (Allows(value)) return ValidationResult.Success;
        var key = validationContext.DisplayName
            .Replace(OptionsSuffix, ":", StringComparison.Ordinal).Replace('.', ':');
        var text = value is IEnumerable<string> list
            ? string.Join(", ", list) : Convert.ToString(value, CultureInfo.InvariantCulture);
        return new ValidationResult($"{key} is '{text}'; allowed: {Allowed}.");
    }
}
