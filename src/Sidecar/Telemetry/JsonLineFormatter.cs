using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace Sidecar.Telemetry;

/// <summary>
/// One JSON object a line, with the names of the framework's own formatter, and the trace as members of it: that one
/// only has it among all scopes of the web server, and says the message twice.
/// </summary>
internal sealed class JsonLineFormatter(TimeProvider clock) : ConsoleFormatter(FormatterName)
{
    public const string FormatterName = "json-lines";

    public override void Write<TState>(
        in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        if (UnheardCalls.TellsOf(logEntry.Category, logEntry.EventId, logEntry.Exception)) return;
        var buffer = new ArrayBufferWriter<byte>(512);
        // The default encoder: every control character, and every other sign that is not ASCII, is escaped.
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("Timestamp",
                clock.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture));
            json.WriteNumber("EventId", logEntry.EventId.Id);
            json.WriteString("LogLevel", logEntry.LogLevel.ToString());
            json.WriteString("Category", logEntry.Category);
            json.WriteString("Message", logEntry.Formatter(logEntry.State, logEntry.Exception));
            WriteTrace(json);
            if (logEntry.Exception is { } failure) json.WriteString("Exception", failure.ToString());
            if (logEntry.State is IReadOnlyList<KeyValuePair<string, object?>> state) WriteState(json, state);
            json.WriteEndObject();
        }

        textWriter.Write(Encoding.UTF8.GetString(buffer.WrittenSpan));
        textWriter.Write('\n');
    }

    private static void WriteTrace(Utf8JsonWriter json)
    {
        if (Activity.Current is not { IdFormat: ActivityIdFormat.W3C } activity) return;
        json.WriteString("TraceId", activity.TraceId.ToHexString());
        json.WriteString("SpanId", activity.SpanId.ToHexString());
    }

    private static void WriteState(Utf8JsonWriter json, IReadOnlyList<KeyValuePair<string, object?>> state)
    {
        json.WriteStartObject("State");
        foreach (var (name, value) in state)
        {
            // The message's own template says nothing that the event id does not.
            if (name == "{OriginalFormat}") continue;
            switch (value)
            {
                case null: json.WriteNull(name); break;
                case bool yes: json.WriteBoolean(name, yes); break;
                case int number: json.WriteNumber(name, number); break;
                case long number: json.WriteNumber(name, number); break;
                case double number when double.IsFinite(number): json.WriteNumber(name, number); break;
                default: json.WriteString(name, Convert.ToString(value, CultureInfo.InvariantCulture)); break;
            }
        }

        json.WriteEndObject();
    }
}
