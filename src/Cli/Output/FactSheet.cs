using System.Text;
using Google.Protobuf.WellKnownTypes;

namespace Stagectl.Output;

/// <summary>Names and values of one thing, one a line; what has no value is left out.</summary>
internal sealed class FactSheet
{
    private const int NameWidth = 14;

    private readonly StringBuilder _text = new();

    public FactSheet Add(string name, string value)
    {
        if (value.Length == 0) return this;
        if (_text.Length > 0) _text.AppendLine();
        _text.Append((name.Length > 0 ? name + ":" : "").PadRight(NameWidth)).Append(' ').Append(value);
        return this;
    }

    public FactSheet AddSize(string name, ulong bytes) => Add(name, $"{ByteText.Format(bytes)} ({bytes} bytes)");

    public FactSheet AddTime(string name, Timestamp? time) => Add(name, TimeText.Format(time));

    public FactSheet AddAll(string name, IEnumerable<KeyValuePair<string, string>> values)
    {
        foreach (var (key, value) in values.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            Add(name, $"{key}={value}");
            name = ""; // the following ones stand below the first
        }

        return this;
    }

    public override string ToString() => _text.ToString();
}
