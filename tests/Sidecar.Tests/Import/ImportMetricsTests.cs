using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using NUnit.Framework;
using Sidecar.Import.Core;

namespace Sidecar.Tests.Import;

// Listeners hear all meters of the process: other tests at the same time would be heard too.
[NonParallelizable]
internal sealed class ImportMetricsTests : ImportTest
{
    [Test]
    [CancelAfter(60_000)]
    public async Task Import_Refused_IsCountedByFormatCheckAndReason(CancellationToken cancellationToken)
    {
        var heard = new ConcurrentBag<string>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, own) =>
        {
            if (instrument.Meter.Name == ImportMetrics.MeterName) own.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>(Hear);
        listener.SetMeasurementEventCallback<double>(Hear);
        listener.SetMeasurementEventCallback<int>(Hear);
        listener.Start();

        await ImportAsync(Directory.Create("image", "-f", "qed"), cancellationToken);
        listener.RecordObservableInstruments();

        Assert.That(heard, Is.SupersetOf(new[]
        {
            "glance_staging_imports result=failed reason=IMAGE_REFUSED",
            "glance_staging_inspection_refusals format=qed check=qed_banned",
            "glance_staging_stage_duration_seconds stage=image_inspection result=failed",
            "glance_staging_imports_active state=queued",
            "glance_staging_imports_active state=running",
        }));

        void Hear<T>(
            Instrument instrument, T value, ReadOnlySpan<KeyValuePair<string, object?>> tags, object? state)
        {
            var labels = string.Join(' ', tags.ToArray().Select(tag => $"{tag.Key}={tag.Value}"));
            heard.Add($"{instrument.Name} {labels}");
        }
    }
}
