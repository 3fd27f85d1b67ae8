using System.CommandLine.Parsing;
using Stagectl.Output;

namespace Stagectl.Commands.Core;

/// <summary>Reads the values of arguments; what is wrong is told before anything is sent.</summary>
internal static class Parsers
{
    public static string Uuid(ArgumentResult result)
    {
        var text = result.Tokens[0].Value;
        if (IsUuid(text)) return text.ToLowerInvariant();
        result.AddError($"'{text}' is not a UUID.");
        return "";
    }

    public static string[] Uuids(ArgumentResult result)
    {
        var texts = result.Tokens.Select(token => token.Value).ToArray();
        foreach (var text in texts.Where(text => !IsUuid(text))) result.AddError($"'{text}' is not a UUID.");
        return [.. texts.Select(text => text.ToLowerInvariant())];
    }

    public static long Size(ArgumentResult result, long least, long most)
    {
        var text = result.Tokens[0].Value;
        var valid = ByteText.TryParse(text, out var bytes);
        if (!valid) result.AddError($"'{text}' is not a size: use a number of bytes, or 4KiB, 1MiB, 2GiB.");
        else if (bytes < least || bytes > most) result.AddError($"{text} is out of range: use {least} to {most} bytes.");
        return bytes;
    }

    public static int Positive(ArgumentResult result)
    {
        if (int.TryParse(result.Tokens[0].Value, out var number) && number > 0) return number;
        result.AddError($"'{result.Tokens[0].Value}' is not a number from 1 on.");
        return 0;
    }

    public static TimeSpan? DurationOrZero(ArgumentResult result)
    {
        if (TimeText.TryParse(result.Tokens[0].Value, out var span)) return span;
        result.AddError($"'{result.Tokens[0].Value}' is not a duration: use 0s, 30s, 5m or 1h.");
        return null;
    }

    public static TimeSpan? Duration(ArgumentResult result)
    {
        var text = result.Tokens[0].Value;
        if (TimeText.TryParse(text, out var span) && span > TimeSpan.Zero) return span;
        result.AddError($"'{text}' is not a duration: use 30s, 5m or 1h.");
        return null;
    }

    /// <summary>ALGORITHM=HEX, once per algorithm. Which algorithms there are is the sidecar's to say.</summary>
    public static Dictionary<string, string> Digests(ArgumentResult result)
    {
        var digests = new Dictionary<string, string>();
        foreach (var text in result.Tokens.Select(token => token.Value))
        {
            var parts = text.Split('=', 2);
            if (parts.Length == 2 && parts[0].Length > 0 && digests.TryAdd(parts[0].ToLowerInvariant(), parts[1])) continue;
            result.AddError($"'{text}' is not ALGORITHM=HEX, or its algorithm was given before.");
        }

        return digests;
    }

    private static bool IsUuid(string text) => Guid.TryParseExact(text, "D", out _);
}
