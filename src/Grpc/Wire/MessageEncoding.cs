namespace Grpc.Wire;

/// <summary>The message encodings that both sides here know.</summary>
internal static class MessageEncoding
{
    public const string Identity = "identity";
    public const string Gzip = "gzip";

    /// <summary>For <c>grpc-accept-encoding</c>.</summary>
    public const string Accepted = "identity,gzip";

    public static bool IsKnown(string? encoding) => encoding is null or "" or Identity or Gzip;

    /// <summary>Whether a peer that sent this <c>grpc-accept-encoding</c> reads gzip.</summary>
    public static bool AcceptsGzip(string? accepted)
    {
        foreach (var name in (accepted ?? "").Split(',', StringSplitOptions.TrimEntries))
        {
            if (name.Equals(Gzip, StringComparison.OrdinalIgnoreCase))
                return true;
        }

        return false;
    }
}
