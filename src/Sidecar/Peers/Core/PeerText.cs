namespace Sidecar.Peers.Core;

/// <summary>Texts of other pods and of certificates, made fit for logs and messages.</summary>
internal static class PeerText
{
    private const int MaxLength = 300;

    /// <summary>Without characters that could forge a line or steer a terminal, and not endless.</summary>
    public static string OneLine(string text)
    {
        var part = text.Length > MaxLength ? text[..MaxLength] + "..." : text;
        return part.Any(char.IsControl)
            ? new string([.. part.Select(c => char.IsControl(c) ? ' ' : c)]).Trim() : part.Trim();
    }
}
