using System.Diagnostics.Metrics;
using Sidecar.Staging;
using Sidecar.Staging.Core;

namespace Sidecar.Peers.Transfer;

/// <summary>Instruments of what moves between pods. Labels are from closed sets.</summary>
internal sealed class TransferMetrics
{
    private readonly Meter _meter;
    private readonly Counter<long> _bytes;
    private readonly Counter<long> _handOvers;

    public TransferMetrics(IMeterFactory meters)
    {
        _meter = meters.Create(StagingMetrics.MeterName);
        _bytes = _meter.CreateCounter<long>(
            "glance_staging_transfer_bytes", "By", "Bytes that crossed the network between pods; holes do not.");
        _handOvers = _meter.CreateCounter<long>(
            "glance_staging_hand_overs", "{image}", "Staged images that a drain was to hand over, by result.");
    }

    public void OutputSent(long bytes) => Add(bytes, "output", "sent");

    public void OutputReceived(long bytes) => Add(bytes, "output", "received");

    public void HandOverSent(long bytes) => Add(bytes, "hand_over", "sent");

    public void HandOverReceived(long bytes) => Add(bytes, "hand_over", "received");

    /// <param name="result">moved, superseded, deleted or kept.</param>
    public void HandedOver(string result) => _handOvers.Add(1, new KeyValuePair<string, object?>("result", result));

    /// <summary>Has the state read whenever somebody looks.</summary>
    public void Observe(StagingArea area) => _meter.CreateObservableGauge(
        "glance_staging_draining", () => area.Draining ? 1 : 0, description: "1 while nothing new is taken, else 0.");

    private void Add(long bytes, string kind, string direction) => _bytes.Add(
        bytes, new KeyValuePair<string, object?>("kind", kind), new KeyValuePair<string, object?>("direction", direction));
}
