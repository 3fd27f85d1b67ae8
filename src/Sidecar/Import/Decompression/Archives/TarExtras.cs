using System.Globalization;
using System.Text;

namespace Sidecar.Import.Decompression.Archives;

/// <summary>What stands before an entry of a tar archive and overrides its header: pax records, or GNU's long name.</summary>
internal sealed class TarExtras
{
    public string? Name { get; private set; }

    public long? Bytes { get; private set; }

    /// <summary>Its holes are left out, which only GNU's and a few other programs read.</summary>
    public bool IsSparse { get; private set; }

    public void SetLongName(ReadOnlySpan<byte> text) => Name = Encoding.Latin1.GetString(text).TrimEnd('\0');

    /// <summary>Reads "length key=value" lines; false when they make no sense.</summary>
    public bool TryAdd(ReadOnlySpan<byte> records)
    {
        while (!records.IsEmpty)
        {
            var space = records.IndexOf((byte)' ');
            if (space < 1 || space > 10 || !int.TryParse(records[..space], CultureInfo.InvariantCulture, out var length)) return false;
            if (length <= space + 1 || length > records.Length) return false;
            var record = Encoding.UTF8.GetString(records[(space + 1)..(length - 1)]);
            if (record.IndexOf('=', StringComparison.Ordinal) is var at and > 0 && !TrySet(record[..at], record[(at + 1)..])) return false;
            records = records[length..];
        }

        return true;
    }

    private bool TrySet(string key, string value)
    {
        if (key.StartsWith("GNU.sparse.", StringComparison.Ordinal)) IsSparse = true;
        if (key == "path") Name = value;
        if (key != "size") return true;
        var isNumber = long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var bytes);
        if (isNumber) Bytes = bytes;
        return isNumber;
    }
}
