using System.Globalization;

namespace Stagectl.Ingest;

/// <summary>What came back for a request: of the ingest, of Glance behind it, or of a proxy in front of it.</summary>
/// <param name="Text">For a person; empty where there was no body.</param>
internal sealed record IngestAnswer(int Status, string Reason, IReadOnlyDictionary<string, string> Headers, string Text)
{
    public bool IsSuccess => Status is >= 200 and < 300;

    /// <summary>How much of the upload is there; null when the answer does not say.</summary>
    public long? Offset =>
        long.TryParse(Headers.GetValueOrDefault("Upload-Offset"), NumberStyles.None, CultureInfo.InvariantCulture, out var at) ? at : null;

    /// <summary>All of it is there.</summary>
    public bool IsComplete => Headers.GetValueOrDefault("Upload-Complete") == "?1";

    public TimeSpan? RetryAfter =>
        int.TryParse(Headers.GetValueOrDefault("Retry-After"), NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            ? TimeSpan.FromSeconds(seconds) : null;

    /// <summary>Somebody is away, too busy or too slow for now.</summary>
    public bool IsPassing => Status is 408 or 429 or 502 or 503 or 504;

    public override string ToString() => Text.Length > 0 ? Text : $"{Status} {Reason}".TrimEnd();
}
