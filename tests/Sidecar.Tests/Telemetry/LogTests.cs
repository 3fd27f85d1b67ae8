using System.Diagnostics;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Time.Testing;
using NUnit.Framework;
using Sidecar.Telemetry;

namespace Sidecar.Tests.Telemetry;

/// <summary>Lines as they are written, with everything in them that a name from outside may bring along.</summary>
internal sealed class LogTests
{
    private const string Hostile = "glance\r\n{\"LogLevel\":\"Critical\"}\u001b[2J\u001b]0;owned\u0007\u0085\u2028\u202e\0\u009b31m";

    private static readonly DateTimeOffset At = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    [Test]
    public void Json_WithControlCharacters_IsOneLine_ThatReadsBackTheSame()
    {
        var line = Write(new JsonLineFormatter(new FakeTimeProvider(At)), Hostile);

        Assert.That(line, Does.EndWith("\n"));
        Assert.That(line[..^1].Where(character => character is < ' ' or > '~'), Is.Empty);
        var entry = JsonDocument.Parse(line).RootElement;
        Assert.That(entry.GetProperty("LogLevel").GetString(), Is.EqualTo("Warning"));
        Assert.That(entry.GetProperty("Message").GetString(), Is.EqualTo("project " + Hostile));
        Assert.That(entry.GetProperty("State").GetProperty("Project").GetString(), Is.EqualTo(Hostile));
        Assert.That(entry.GetProperty("Timestamp").GetString(), Is.EqualTo("2026-01-02T03:04:05.000Z"));
        Assert.That(entry.GetProperty("EventId").GetInt32(), Is.EqualTo(42));
    }

    [Test]
    public void Terminal_WithControlCharacters_IsOneLine_WithoutThem()
    {
        var line = Write(new TerminalFormatter(new FakeTimeProvider(At)), Hostile);

        Assert.That(line, Does.EndWith("\n"));
        Assert.That(
            line[..^1].Where(character => char.IsControl(character) || character is '\u2028' or '\u202e'), Is.Empty);
        Assert.That(line, Does.Contain(@"WARN  project glance\u000d\u000a{").And.Contain(@"\u001b[2J")
            .And.Contain("[Some.Logger:42]"));
    }

    [Test]
    public void Terminal_OfAnException_IndentsEachLine()
    {
        var text = Write(
            new TerminalFormatter(new FakeTimeProvider(At)), "x", new IOException("bad\n12:00:00 info forged\u001b[1m"));

        var lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.That(lines.Skip(1), Is.Not.Empty.And.All.StartsWith("    "));
        Assert.That(text, Does.Not.Contain("\u001b"));
    }

    [Test]
    public void Lines_WithinASpan_CarryItsIds()
    {
        using var activity = new Activity("call").SetIdFormat(ActivityIdFormat.W3C).Start();

        var json = JsonDocument.Parse(Write(new JsonLineFormatter(new FakeTimeProvider(At)), "x")).RootElement;
        var terminal = Write(new TerminalFormatter(new FakeTimeProvider(At)), "x");

        Assert.That(
            (json.GetProperty("TraceId").GetString(), json.GetProperty("SpanId").GetString()),
            Is.EqualTo((activity.TraceId.ToHexString(), activity.SpanId.ToHexString())));
        Assert.That(terminal, Does.Contain($"trace={activity.TraceId}"));
    }

    [Test]
    public void Lines_OutsideOfAnySpan_CarryNone()
    {
        Activity.Current = null;

        Assert.That(Write(new JsonLineFormatter(new FakeTimeProvider(At)), "x"), Does.Not.Contain("TraceId"));
    }

    private static string Write(ConsoleFormatter formatter, string project, Exception? failure = null)
    {
        using var text = new StringWriter();
        List<KeyValuePair<string,
            object?>> state = [new("Project", project), new("{OriginalFormat}", "project {Project}")];
        var entry = new LogEntry<List<KeyValuePair<string, object?>>>(
            LogLevel.Warning, "Some.Logger", new EventId(42), state, failure, (values, _) =>
                $"project {values[0].Value}");
        formatter.Write(entry, null, text);
        return text.ToString();
    }
}
