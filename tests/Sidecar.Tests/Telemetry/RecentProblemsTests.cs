using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using NUnit.Framework;
using Sidecar.Telemetry;

namespace Sidecar.Tests.Telemetry;

internal sealed class RecentProblemsTests : IDisposable
{
    private const int Refusal = 7;

    private readonly RecentProblems _problems = new(new FakeTimeProvider(), new HashSet<int> { Refusal });

    public void Dispose() => _problems.Dispose();

    [Test]
    public void Lines_ThatAreRefusalsOrWorse_AreKept_NewestFirst()
    {
        Log(LogLevel.Information, 1, "an upload begins");
        Log(LogLevel.Information, Refusal, "refused");
        Log(LogLevel.Warning, 2, "odd");
        Log(LogLevel.Error, 3, "broken", new IOException("disk"));

        Assert.That(
            _problems.Newest().Select(problem => $"{problem.Level} {problem.Text}"),
            Is.EqualTo(new[] { "Error broken: disk", "Warning odd", "Information refused" }));
    }

    [Test]
    public void Lines_WithoutEnd_AreForgotten_OldestFirst()
    {
        for (var line = 0; line < 1000; line++) Log(LogLevel.Warning, 2, $"{line}");

        var texts = _problems.Newest().Select(problem => problem.Text).ToList();
        Assert.That(texts, Has.Count.EqualTo(50));
        Assert.That((texts[0], texts[^1]), Is.EqualTo(("999", "950")));
    }

    private void Log(LogLevel level, int id, string text, Exception? failure = null) =>
        _problems.CreateLogger("any").Log(level, new EventId(id), text, failure, (line, _) => line);
}
