using Glance.Sidecar.V1;
using Stagectl.Output;

namespace Stagectl.Progress;

/// <summary>Progress as JSON lines.</summary>
internal sealed class JsonDisplay(Printer output) : IProgressDisplay
{
    private readonly Cadence _cadence = new(TimeSpan.FromSeconds(1)); // a program reads faster than a person

    public void Show(StageProgress stage)
    {
        if (_cadence.Due(stage)) output.Progress(stage);
    }

    public void Note(string text) => output.Note(text);
}
