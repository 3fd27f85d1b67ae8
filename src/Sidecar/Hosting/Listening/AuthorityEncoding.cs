using System.Text;
using System.Text.RegularExpressions;

namespace Sidecar.Hosting.Listening;

/// <summary>
/// Reads the <c>:authority</c> of a request: what is no host is read as <c>localhost</c>. A Unix socket has no host, so
/// that some clients send its path there, percent-encoded or not; Kestrel resets the stream of such a request and tells
/// nobody. Nothing here depends on the name.
/// </summary>
/// <remarks>
/// Kestrel has no setting for this (dotnet/aspnetcore issue 47043); how a header's bytes become text is one.
/// </remarks>
internal sealed partial class AuthorityEncoding(ILogger<AuthorityEncoding> logger) : Encoding
{
    /// <summary>Where the documentation says what a client can do.</summary>
    public const string DocumentedIn = "docs/api.md#clients-and-the-unix-socket";

    private const string Header = ":authority";
    private const string Localhost = "localhost";

    // Enough of it for a person to recognize a path.
    private const int ShownCharacters = 120;

    private bool _hasLogged;

    /// <summary>For <c>KestrelServerOptions.RequestHeaderEncodingSelector</c>: null leaves a header as Kestrel reads it.</summary>
    public Encoding? Select(string header) => header == Header ? this : null;

    public override int GetMaxCharCount(int byteCount) => Math.Max(Latin1.GetMaxCharCount(byteCount), Localhost.Length);

    public override int GetCharCount(byte[] bytes, int index, int count) => Read(bytes.AsSpan(index, count)).Length;

    public override int GetChars(byte[] bytes, int byteIndex, int byteCount, char[] chars, int charIndex)
    {
        var text = Read(bytes.AsSpan(byteIndex, byteCount));
        text.CopyTo(chars.AsSpan(charIndex));
        return text.Length;
    }

    // The other direction is for responses, which have no authority.
    public override int GetMaxByteCount(int charCount) => Latin1.GetMaxByteCount(charCount);

    public override int GetByteCount(char[] chars, int index, int count) => Latin1.GetByteCount(chars, index, count);

    public override int GetBytes(char[] chars, int charIndex, int charCount, byte[] bytes, int byteIndex) =>
        Latin1.GetBytes(chars, charIndex, charCount, bytes, byteIndex);

    private string Read(ReadOnlySpan<byte> value)
    {
        var authority = Latin1.GetString(value);
        // Kestrel ends the connection of one who sends control characters, and shall.
        if (Host().IsMatch(authority) || authority.Any(char.IsControl)) return authority;
        LogOnce(authority);
        return Localhost;
    }

    private void LogOnce(string authority)
    {
        if (Interlocked.Exchange(ref _hasLogged, true)) return;
        HostingLog.AuthorityIsNoHost(
            logger, authority.Length > ShownCharacters ? authority[..ShownCharacters] + "..." : authority);
    }

    // Nothing, or a name or address with or without a port; never wider than what Kestrel takes.
    [GeneratedRegex(@"\A(?:(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]{3,}\])(?::[0-9]+)?)?\z", RegexOptions.CultureInvariant)]
    private static partial Regex Host();
}
