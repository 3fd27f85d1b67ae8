using System.Text;

namespace Sidecar.Telemetry;

/// <summary>
/// Text for a terminal: what names and messages from outside contain cannot forge a line or steer it.
/// </summary>
internal static class LogText
{
    /// <summary>With control characters, and those that turn the direction of text, written as <c>\u001b</c>.</summary>
    public static string Visible(string text)
    {
        if (!text.Any(IsUnsafe)) return text;
        var visible = new StringBuilder(text.Length + 16);
        foreach (var character in text)
        {
            if (IsUnsafe(character)) visible.Append("\\u").Append(((int)character).ToString("x4", null));
            else visible.Append(character);
        }

        return visible.ToString();
    }

    // U+2028 and U+2029 end lines; the others hide or reorder what follows them.
    private static bool IsUnsafe(char character) => char.IsControl(character)
        || character is '\u2028' or '\u2029' or (>= '\u202a' and <= '\u202e') or (>= '\u2066' and <= '\u2069');
}
