using System.Globalization;

namespace Sidecar.Downloads.Core;

/// <summary>What may help when a download has failed.</summary>
internal enum Remedy
{
    /// <summary>Nothing that the sidecar could do.</summary>
    None,

    /// <summary>The same once more, from where it was.</summary>
    Again,

    /// <summary>The file is another one now, or can only be had as a whole: once more from its first byte.</summary>
    FromStart,
}

/// <summary>
/// A download that was refused or failed: a closed reason, one sentence for a person, and facts for a program. No part of it
/// names more of a URL than its host: paths and queries are as good as passwords.
/// </summary>
internal sealed class DownloadException(
    DownloadError error, string message, Remedy remedy, Exception? inner, params (string Name, object? Value)[] facts)
    : Exception(message, inner)
{
    private readonly Dictionary<string, string> _facts = facts.ToDictionary(
        fact => fact.Name, fact => Convert.ToString(fact.Value, CultureInfo.InvariantCulture) ?? "");

    public DownloadException(
        DownloadError error, string message, Remedy remedy, params (string Name, object? Value)[] facts)
        : this(error, message, remedy, null, facts)
    {
    }

    public DownloadError Error { get; } = error;

    public Remedy Remedy { get; } = remedy;

    public IReadOnlyDictionary<string, string> Facts => _facts;

    /// <summary>How long the server wants to be left alone; null when it did not say.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>The same failure, with how many bytes had arrived by then.</summary>
    public DownloadException After(long received) => new(
        Error, Message, Remedy, this, [.. _facts.Select(fact => (fact.Key, (object?)fact.Value)), ("received", received)]);
}
