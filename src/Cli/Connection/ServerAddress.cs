using System.Diagnostics.CodeAnalysis;
using Sidecar.Hosting.Listening;

namespace Stagectl.Connection;

/// <summary>Where the sidecar listens, as the user writes it.</summary>
internal static class ServerAddress
{
    public const string Variable = "STAGECTL_SERVER";
    public const string Forms = "unix:/path/to.sock, or http://host:port";

    private const string UnixPrefix = "unix:";

    /// <summary>The environment's, else the Unix socket that the daemon takes when nobody says.</summary>
    public static string Default
    {
        get
        {
            var value = Environment.GetEnvironmentVariable(Variable);
            return string.IsNullOrEmpty(value) ? UnixPrefix + SocketLocation.Default : value;
        }
    }

    public static bool TryParse(string text, [NotNullWhen(true)] out Uri? address)
    {
        // A path alone can only be a socket's.
        var full = text.StartsWith('/') ? UnixPrefix + text : text;
        return Uri.TryCreate(full, UriKind.Absolute, out address)
            && (address.Scheme is "http" or "https" || (address.Scheme == "unix" && address.LocalPath.StartsWith('/')));
    }
}
