using System.Text;

namespace Stagectl.Output;

/// <summary>Columns for a person, and easy for awk: two blanks between, no lines, nothing cut off.</summary>
internal sealed class TextTable
{
    private readonly List<string[]> _rows = [];

    public TextTable(params string[] headings) => _rows.Add(headings);

    public void Add(params string[] cells) => _rows.Add([.. cells.Select(cell => cell.Length > 0 ? cell : "-")]);

    public override string ToString()
    {
        var widths = Enumerable.Range(0, _rows[0].Length).Select(column => _rows.Max(row => row[column].Length));
        var padding = widths.ToArray();
        var text = new StringBuilder();
        foreach (var row in _rows)
        {
            var cells = row.Select((cell, column) => cell.PadRight(padding[column]));
            text.AppendLine(string.Join("  ", cells).TrimEnd());
        }

        return text.ToString();
    }
}
