using System.Collections.Frozen;
using System.Globalization;

namespace Sidecar.Staging.Core;

/// <summary>
/// A refusal by the staging area: a closed reason, one sentence for a person that names what was wrong and what to
/// do, and typed facts for a program.
/// </summary>
internal sealed class StagingException : Exception
{
    public StagingException(StagingError error, string message, params (string Name, object? Value)[] facts)
        : this(error, message, null, facts)
    {
    }

    public StagingException(
        StagingError error, string message, Exception? inner, params (string Name, object? Value)[] facts)
        : base(message, inner)
    {
        Error = error;
        Facts = facts.ToFrozenDictionary(
            fact => fact.Name, fact => Convert.ToString(fact.Value, CultureInfo.InvariantCulture) ?? "");
    }

    public StagingError Error { get; }

    public IReadOnlyDictionary<string, string> Facts { get; }

    /// <summary>With what the machine said, which may name files of the pod: for the log only.</summary>
    public string Detail => InnerException is null ? Message : $"{Message} ({InnerException.Message})";
}
