using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Threading.Channels;
using Sidecar.Telemetry.Calls;

namespace Sidecar.FunctionalTests.Calls;

/// <summary>A measurement with its attributes.</summary>
internal sealed record Measured(string Instrument, double Value, IReadOnlyDictionary<string, object?> Tags)
{
    public string? this[string tag] => Tags.GetValueOrDefault(tag)?.ToString();
}

/// <summary>Hears what the calls of this process measure and, if asked to, their spans.</summary>
internal sealed class MeasuredCalls : IDisposable
{
    private readonly Channel<Measured> _measured = Channel.CreateUnbounded<Measured>();
    private readonly Channel<Activity> _spans = Channel.CreateUnbounded<Activity>();
    private readonly MeterListener _meters = new();
    private readonly ActivityListener? _activities;

    public MeasuredCalls(bool withSpans = false)
    {
        _meters.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == CallSpan.SourceName) listener.EnableMeasurementEvents(instrument);
        };
        _meters.SetMeasurementEventCallback<double>((instrument, value, tags, _) =>
            _measured.Writer.TryWrite(
                new Measured(instrument.Name, value, new Dictionary<string, object?>(tags.ToArray()))));
        _meters.Start();
        if (!withSpans) return;
        _activities = new ActivityListener
        {
            ShouldListenTo = source => source.Name == CallSpan.SourceName,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = span => _spans.Writer.TryWrite(span),
        };
        ActivitySource.AddActivityListener(_activities);
    }

    /// <summary>Waits for so many measurements; the two sides of a call end in any order.</summary>
    public async Task<IReadOnlyList<Measured>> MeasurementsAsync(int count, CancellationToken deadline) =>
        await _measured.Reader.ReadAllAsync(deadline).Take(count).ToListAsync(deadline);

    /// <summary>Waits for so many spans to end.</summary>
    public async Task<IReadOnlyList<Activity>> SpansAsync(int count, CancellationToken deadline) =>
        await _spans.Reader.ReadAllAsync(deadline).Take(count).ToListAsync(deadline);

    public void Dispose()
    {
        _meters.Dispose();
        _activities?.Dispose();
    }
}
