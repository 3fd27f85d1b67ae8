using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace Sidecar.Telemetry.Prometheus;

/// <summary>Writes the lines of an exposition as UTF-8, straight into the buffer that is sent.</summary>
internal sealed class ExpositionText(ArrayBufferWriter<byte> buffer, ExpositionFormat format)
{
    public bool IsOpenMetrics => format == ExpositionFormat.OpenMetrics;

    /// <summary>Describes a family.</summary>
    /// <param name="name">As its samples are named; OpenMetrics leaves out a counter's <c>_total</c>.</param>
    /// <param name="unit">In words; empty for none.</param>
    public void Head(string name, string type, string help, string unit)
    {
        Append("# HELP ").Append(name).Append(" ").Escaped(help, quotes: IsOpenMetrics).Append("\n");
        Append("# TYPE ").Append(name).Append(" ").Append(type).Append("\n");
        if (IsOpenMetrics && unit.Length > 0) Append("# UNIT ").Append(name).Append(" ").Append(unit).Append("\n");
    }

    public ExpositionText Append(string text)
    {
        var written = Encoding.UTF8.GetBytes(text, buffer.GetSpan(Encoding.UTF8.GetMaxByteCount(text.Length)));
        buffer.Advance(written);
        return this;
    }

    /// <summary>A label's value or a help text, so that neither a quote nor a line break in it ends it.</summary>
    public ExpositionText Escaped(string text, bool quotes)
    {
        if (text.AsSpan().IndexOfAny('\\', '\n', '"') < 0) return Append(text);
        var escaped = text.Replace("\\", @"\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
        return Append(quotes ? escaped.Replace("\"", "\\\"", StringComparison.Ordinal) : escaped);
    }

    public ExpositionText Number(double value)
    {
        if (!double.IsFinite(value)) return Append(double.IsNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf");
        Utf8Formatter.TryFormat(value, buffer.GetSpan(32), out var written, new StandardFormat('G'));
        buffer.Advance(written);
        return this;
    }

    /// <summary>A bucket's bound. OpenMetrics wants a point in it: 1 is 1.0.</summary>
    public ExpositionText Bound(double value)
    {
        var text = value.ToString("R", CultureInfo.InvariantCulture);
        return Append(IsOpenMetrics && double.IsInteger(value) && !text.Contains('E') ? text + ".0" : text);
    }

    public ExpositionText Number(long value)
    {
        Utf8Formatter.TryFormat(value, buffer.GetSpan(20), out var written);
        buffer.Advance(written);
        return this;
    }
}
