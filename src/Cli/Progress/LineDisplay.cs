using Glance.Sidecar.V1;
using Stagectl.Output;

namespace Stagectl.Progress;

/// <summary>Plain lines for a log file: no cursor movements, no colours.</summary>
internal sealed class LineDisplay(Printer output) : IProgressDisplay
{
    private readonly Cadence _cadence = new(TimeSpan.FromSeconds(5)); // a log is read later: it need not be dense
    private readonly Dictionary<string, RateMeter> _meters = [];

    public void Show(StageProgress stage)
    {
        if (!_meters.TryGetValue(stage.Name, out var meter)) _meters[stage.Name] = meter = new RateMeter();
        meter.Advance((long)stage.BytesDone);
        if (_cadence.Due(stage)) output.Note($"{stage.Name}: {StageText.Describe(stage, meter.BytesPerSecond)}");
    }

    public void Note(string text) => output.Note(text);
}
