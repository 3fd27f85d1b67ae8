using System.Collections.Concurrent;

namespace Sidecar.Telemetry;

/// <summary>A line of the log that somebody may want to act on.</summary>
internal readonly record struct Problem(DateTimeOffset At, LogLevel Level, string Text);

/// <summary>
/// Remembers the newest refusals, warnings and errors of the log, for the status page: what went wrong is at hand where one
/// looks first. In memory only.
/// </summary>
internal sealed class RecentProblems(TimeProvider clock, IReadOnlySet<int> refusals) : ILoggerProvider
{
    private const int Most = 50;

    private readonly ConcurrentQueue<Problem> _problems = new();

    /// <summary>Newest first.</summary>
    public IEnumerable<Problem> Newest() => _problems.Reverse();

    public ILogger CreateLogger(string categoryName) => new Ear(this, categoryName);

    public void Dispose()
    {
    }

    private bool Wants(LogLevel level, EventId id) =>
        level >= LogLevel.Warning || (level == LogLevel.Information && refusals.Contains(id.Id));

    private void Keep(LogLevel level, string text)
    {
        _problems.Enqueue(new Problem(clock.GetUtcNow(), level, text));
        while (_problems.Count > Most) _problems.TryDequeue(out _);
    }

    private sealed class Ear(RecentProblems owner, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter)
        {
            if (!owner.Wants(logLevel, eventId) || UnheardCalls.TellsOf(category, eventId, exception)) return;
            var text = formatter(state, exception);
            owner.Keep(logLevel, exception is null ? text : $"{text}: {exception.Message}");
        }
    }
}
