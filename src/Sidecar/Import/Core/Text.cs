namespace Sidecar.Import.Core;

/// <summary>Texts from outside, made fit for logs and messages.</summary>
internal static class Text
{
    /// <summary>Without characters that could forge a line or steer a terminal.</summary>
    public static string OneLine(string text) =>
        text.Any(char.IsControl) ? new string([.. text.Select(c => char.IsControl(c) ? ' ' : c)]).Trim() : text.Trim();

    /// <summary>For a message: one line of at most 64 characters.</summary>
    public static string Quote(string text) => $"'{OneLine(text.Length > 64 ? text[..64] + "..." : text)}'";
}
