using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace Sidecar.Telemetry;

/// <summary>
/// A line for a person at a terminal: time, level, message, logger, and the trace. The framework's own would pass
/// control characters on to the terminal.
/// </summary>
internal sealed class TerminalFormatter(TimeProvider clock) : ConsoleFormatter(FormatterName)
{
    public const string FormatterName = "terminal";

    private static readonly char[] LineEnds = ['\r', '\n'];

    public override void Write<TState>(
        in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        if (UnheardCalls.TellsOf(logEntry.Category, logEntry.EventId, logEntry.Exception)) return;
        var time = clock.GetLocalNow().ToString("HH:mm:ss.fff", CultureInfo.InvariantCulture);
        textWriter.Write($"{time} {NameOf(logEntry.LogLevel)} ");
        textWriter.Write(LogText.Visible(logEntry.Formatter(logEntry.State, logEntry.Exception)));
        textWriter.Write($"  [{LogText.Visible(logEntry.Category)}:{logEntry.EventId.Id}]");
        if (Activity.Current is { IdFormat: ActivityIdFormat.W3C } activity)
        {
            textWriter.Write($" trace={activity.TraceId}");
        }

        textWriter.Write(Environment.NewLine);
        if (logEntry.Exception is not { } failure) return;
        // Indented, so that no line of it looks like one of the log's own.
        foreach (var line in failure.ToString().Split(LineEnds, StringSplitOptions.RemoveEmptyEntries))
        {
            textWriter.Write("    " + LogText.Visible(line) + Environment.NewLine);
        }
    }

    private static string NameOf(LogLevel level) => level switch
    {
        LogLevel.Trace => "trace",
        LogLevel.Debug => "debug",
        LogLevel.Information => "info ",
        LogLevel.Warning => "WARN ",
        LogLevel.Error => "ERROR",
        LogLevel.Critical => "FATAL",
        _ => "",
    };
}
