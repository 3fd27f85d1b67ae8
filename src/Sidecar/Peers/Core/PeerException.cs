using System.Collections.Frozen;
using System.Globalization;

namespace Sidecar.Peers.Core;

/// <summary>A refusal by the peers slice: a closed reason, one sentence for a person, typed facts for a program.</summary>
internal sealed class PeerException : Exception
{
    public PeerException(PeerError error, string message, params (string Name, object? Value)[] facts)
        : this(error, message, null, facts)
    {
    }

    public PeerException(
        PeerError error, string message, Exception? inner, params (string Name, object? Value)[] facts)
        : base(message, inner)
    {
        Error = error;
        Facts = facts.ToFrozenDictionary(
            fact => fact.Name, fact => Convert.ToString(fact.Value, CultureInfo.InvariantCulture) ?? "");
    }

    public PeerError Error { get; }

    public IReadOnlyDictionary<string, string> Facts { get; }
}
