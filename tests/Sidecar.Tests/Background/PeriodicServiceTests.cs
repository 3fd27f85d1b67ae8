using System.Diagnostics.Metrics;
using System.Threading.Channels;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using NUnit.Framework;
using Sidecar.Background;
using Sidecar.Staging;

namespace Sidecar.Tests.Background;

internal sealed class PeriodicServiceTests
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    [Test]
    [CancelAfter(30_000)]
    public async Task Round_ThatFails_IsLoggedOnceAndCounted_AndTheNextOneComes(CancellationToken deadline)
    {
        var log = new Lines();
        await using var services = Services(log);
        using var counted = new MeterListener();
        var failures = 0L;
        counted.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Name == "glance_staging_background_failures") listener.EnableMeasurementEvents(instrument);
        };
        counted.SetMeasurementEventCallback<long>((_, value, tags, _) =>
        {
            if (tags.ToArray().Contains(new("loop", "counted"))) Interlocked.Add(ref failures, value); // other tests count too
        });
        counted.Start();
        var clock = new FakeTimeProvider();
        using var loop = new Scripted(
            "counted", services, clock, new IOException("one"), new UnauthorizedAccessException("two"),
            new InvalidCastException("three"), null);

        await loop.StartAsync(deadline);
        for (var round = 0; round < 4; round++)
        {
            await loop.Rounds.ReadAsync(deadline);
            clock.Advance(Interval);
        }

        await loop.Rounds.ReadAsync(deadline); // a round begins when what the one before it did has been noted
        Assert.That(loop.ExecuteTask!.IsCompleted, Is.False);
        Assert.That(Interlocked.Read(ref failures), Is.EqualTo(3));
        Assert.That(log.Ids, Is.EqualTo(new[] { 5002, 5004 }));
        await loop.StopAsync(deadline);
        Assert.That(loop.ExecuteTask.IsFaulted, Is.False);
    }

    [Test]
    [CancelAfter(30_000)]
    public async Task Round_ThatFails_IsTriedAgainSoon_AndTheLoopIsNamedUntilItSucceeds(CancellationToken deadline)
    {
        var log = new Lines();
        await using var services = Services(log);
        var health = services.GetRequiredService<LoopHealth>();
        var clock = new FakeTimeProvider();
        using var loop = new Scripted("tried", services, clock, new IOException("one\nline"), null);

        await loop.StartAsync(deadline);
        Assert.That(await log.NextAsync(deadline), Is.EqualTo(5002));
        var failing = health.Failing.Single();
        Assert.That((failing.Name, failing.Failure), Is.EqualTo(("tried", "one line")));
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.That(await log.NextAsync(deadline), Is.EqualTo(5004), "long before the interval is over");
        Assert.That(health.Failing, Is.Empty);
        await loop.StopAsync(deadline);
    }

    [Test]
    public async Task Failing_NamesAllThatFail_AndForgetsNoneForTheOthers()
    {
        await using var services = Services(new Lines());
        var health = services.GetRequiredService<LoopHealth>();
        string[] loops = [.. Enumerable.Range(0, 16).Select(number => $"loop{number}")];
        Parallel.ForEach(loops, loop =>
        {
            for (var round = 0; round < 100; round++)
            {
                health.Failed(loop, new IOException());
                health.Succeeded(loop);
            }

            health.Failed(loop, new IOException("still"));
        });
        Assert.That(health.Failing.Select(failing => failing.Name), Is.EquivalentTo(loops));
    }

    /// <summary>An exception that leaves another kind of background service ends the daemon.</summary>
    [Test]
    public void BackgroundServices_OfTheDaemon_AreAllPeriodicServices()
    {
        var others = typeof(StagingArea).Assembly.GetTypes()
            .Where(type => type.IsSubclassOf(typeof(BackgroundService)) && type != typeof(PeriodicService))
            .Where(type => !type.IsSubclassOf(typeof(PeriodicService)));
        Assert.That(others, Is.Empty);
    }

    private static ServiceProvider Services(Lines log) => new ServiceCollection()
        .AddMetrics().AddLogging(logging => logging.AddProvider(log)).AddSingleton(TimeProvider.System).AddSingleton<LoopHealth>()
        .BuildServiceProvider();

    private sealed class Scripted(string name, IServiceProvider services, TimeProvider clock, params Exception?[] outcomes)
        : PeriodicService(name, Interval, FirstRound.AtOnce, services.GetRequiredService<LoopHealth>(), clock)
    {
        private readonly Channel<int> _rounds = Channel.CreateUnbounded<int>();
        private int _round;

        public ChannelReader<int> Rounds => _rounds.Reader;

        protected override Task RoundAsync(CancellationToken stoppingToken)
        {
            var round = _round++;
            _rounds.Writer.TryWrite(round);
            return round < outcomes.Length && outcomes[round] is { } failure ? throw failure : Task.CompletedTask;
        }
    }

    private sealed class Lines : ILoggerProvider, ILogger
    {
        private readonly List<int> _ids = [];
        private readonly Channel<int> _lines = Channel.CreateUnbounded<int>();

        public IReadOnlyList<int> Ids
        {
            get
            {
                lock (_ids) return [.. _ids];
            }
        }

        public ValueTask<int> NextAsync(CancellationToken deadline) => _lines.Reader.ReadAsync(deadline);

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (_ids) _ids.Add(eventId.Id);
            _lines.Writer.TryWrite(eventId.Id);
        }

        public void Dispose()
        {
        }
    }
}
