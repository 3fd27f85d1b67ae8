using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Chart.Tests.Rendering;

/// <summary>
/// Reads a CEL literal back into data: messages, maps, lists, strings, whole numbers and booleans. It is strict where a
/// cluster would be: a message must be named after its path, and the values of a map and of a list must have one type.
/// </summary>
internal sealed class CelLiteral(string text, int at)
{
    private int _at = at;

    /// <summary>Where the literal ends.</summary>
    public int End => _at;

    /// <param name="path">The message's name that is expected, such as Object.spec.volumes.</param>
    public JsonNode Read(string path)
    {
        SkipSpace();
        return text[_at] switch
        {
            '[' => ReadList(path),
            '{' => ReadMap(),
            '"' => JsonValue.Create(ReadString()),
            _ => ReadWord(path),
        };
    }

    private JsonNode ReadWord(string path)
    {
        var word = Take(letter => char.IsAsciiLetterOrDigit(letter) || letter is '.' or '-' or '_');
        if (word is "true" or "false") return JsonValue.Create(word == "true");
        if (long.TryParse(word, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
            return JsonValue.Create(number);
        if (word != path) throw Unexpected($"'{word}' where {path} is expected");
        var message = new JsonObject();
        foreach (var _ in Members('{', '}'))
        {
            var field = Take(char.IsAsciiLetterOrDigit);
            Expect(':');
            message.Add(field, Read($"{path}.{field}"));
        }

        return message;
    }

    private JsonObject ReadMap()
    {
        var map = new JsonObject();
        foreach (var _ in Members('{', '}'))
        {
            SkipSpace();
            var key = ReadString();
            Expect(':');
            map.Add(key, Read(""));
        }

        RequireOneType(map.Select(pair => pair.Value!));
        return map;
    }

    private JsonArray ReadList(string path)
    {
        var list = new JsonArray();
        foreach (var _ in Members('[', ']')) list.Add(Read(path));
        RequireOneType(list!);
        return list;
    }

    // Once for each member, with the position at its beginning.
    private IEnumerable<int> Members(char open, char close)
    {
        Expect(open);
        for (var count = 0; !TryTake(close); count++)
        {
            if (count > 0) Expect(',');
            yield return count;
        }
    }

    private string ReadString()
    {
        var start = _at++;
        while (text[_at] != '"') _at += text[_at] == '\\' ? 2 : 1;
        return JsonSerializer.Deserialize<string>(text[start..++_at])!;
    }

    private string Take(Func<char, bool> belongs)
    {
        SkipSpace();
        var word = new StringBuilder();
        while (belongs(text[_at])) word.Append(text[_at++]);
        return word.ToString();
    }

    private void Expect(char letter)
    {
        if (!TryTake(letter)) throw Unexpected($"'{letter}' is expected");
    }

    private FormatException Unexpected(string what) => new($"{what}: …{text[_at..Math.Min(text.Length, _at + 40)]}");

    private bool TryTake(char letter)
    {
        SkipSpace();
        if (text[_at] != letter) return false;
        _at++;
        return true;
    }

    private void SkipSpace()
    {
        while (char.IsWhiteSpace(text[_at])) _at++;
    }

    private static void RequireOneType(IEnumerable<JsonNode> values)
    {
        if (values.Select(value => value.GetValueKind()).Distinct().Count() > 1)
            throw new FormatException("the values of a map or list differ in type, which CEL refuses");
    }
}
