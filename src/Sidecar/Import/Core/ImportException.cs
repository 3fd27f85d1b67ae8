using System.Collections.Frozen;
using System.Globalization;

namespace Sidecar.Import.Core;

/// <summary>
/// A refusal or a failure of an import: a closed reason, one sentence for a person that names what was wrong and what
/// to do, and facts for a program.
/// </summary>
internal sealed class ImportException : Exception
{
    public ImportException(ImportError error, string message, params (string Name, object? Value)[] facts)
        : this(error, message, null, facts)
    {
    }

    public ImportException(
        ImportError error, string message, Exception? inner, params (string Name, object? Value)[] facts)
        : base(message, inner)
    {
        Error = error;
        Facts = facts.ToFrozenDictionary(
            fact => fact.Name, fact => Convert.ToString(fact.Value, CultureInfo.InvariantCulture) ?? "");
    }

    public ImportError Error { get; }

    public IReadOnlyDictionary<string, string> Facts { get; }

    /// <summary>More of it, for the log only: words of a program, with names of files of the pod. Empty: nothing.</summary>
    public string Detail { get; set; } = "";
}
