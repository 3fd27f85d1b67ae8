using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Grpc.Tests.Hosting;

/// <summary>Keeps what a server logs as an error.</summary>
internal sealed class ErrorSink : ILoggerProvider, ILogger
{
    private readonly ConcurrentQueue<string> _errors = new();

    public string[] Taken()
    {
        List<string> taken = [];
        while (_errors.TryDequeue(out var error))
            taken.Add(error);

        return [.. taken];
    }

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

    public void Log<TState>(
        LogLevel logLevel,
        EventId eventId,
        TState state,
        Exception? exception,
        Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel))
            _errors.Enqueue($"{eventId.Id} {formatter(state, exception)} {exception}");
    }

    public void Dispose()
    {
    }
}
