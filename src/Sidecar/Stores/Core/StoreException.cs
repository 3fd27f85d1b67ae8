using System.Collections.Frozen;
using System.Globalization;

namespace Sidecar.Stores.Core;

/// <summary>
/// A refusal or a failure of a write to a store: a closed reason, one sentence for a person that says what to do, and facts
/// for a program.
/// </summary>
internal sealed class StoreException(StoreError error, string message, params (string Name, object? Value)[] facts)
    : Exception(message)
{
    public StoreError Error { get; } = error;

    public IReadOnlyDictionary<string, string> Facts { get; } = facts.ToFrozenDictionary(
        fact => fact.Name, fact => Convert.ToString(fact.Value, CultureInfo.InvariantCulture) ?? "");

    /// <summary>What the store said, which may name hosts: for the log only. Empty: nothing.</summary>
    public string Detail { get; init; } = "";

    /// <summary>The store has a part of the image that could not be removed.</summary>
    public bool IsPartLeft { get; init; }

    /// <summary>The same, for a caller in another pod.</summary>
    public StoreException At(string pod) => new(
        Error, $"Pod {pod}, which has the image: {Message}", [.. Facts.Select(fact => (fact.Key, (object?)fact.Value)), ("owner", pod)])
    {
        Detail = Detail, IsPartLeft = IsPartLeft,
    };

    /// <summary>Trying again may help: it was the connection, or the writing process that ended.</summary>
    public bool IsTransient => Error == StoreError.StoreUnreachable;
}
