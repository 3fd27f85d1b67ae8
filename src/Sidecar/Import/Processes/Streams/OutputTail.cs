using System.Text;
using Sidecar.Import.Core;

namespace Sidecar.Import.Processes.Streams;

/// <summary>Keeps the end of what a program says, whatever it says.</summary>
internal sealed class OutputTail
{
    public const int MaxChars = 4096;

    private readonly StringBuilder _text = new();

    public void Append(ReadOnlySpan<char> text)
    {
        _text.Append(text.Length > MaxChars ? text[^MaxChars..] : text);
        if (_text.Length > MaxChars) _text.Remove(0, _text.Length - MaxChars);
    }

    /// <summary>On one line: it ends in error messages and logs, and names in it are the image's.</summary>
    public override string ToString() => Text.OneLine(_text.ToString());
}
