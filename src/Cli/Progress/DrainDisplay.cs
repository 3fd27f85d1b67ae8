using Glance.Sidecar.V1;
using State = Glance.Sidecar.V1.StageProgress.Types.State;

namespace Stagectl.Progress;

/// <summary>A drain as two stages: waiting for what runs, and handing over.</summary>
internal sealed class DrainDisplay(IProgressDisplay display)
{
    private string _image = "";

    public void Show(Drain drain)
    {
        var waits = drain.State == Drain.Types.State.Waiting;
        display.Show(new StageProgress { Name = "wait", State = waits ? State.Running : State.Succeeded });
        if (waits) return;
        display.Show(new StageProgress
        {
            Name = "hand_over",
            State = drain.State == Drain.Types.State.Done ? State.Succeeded : State.Running,
            BytesDone = drain.BytesMoved,
            BytesTotal = drain.BytesTotal,
        });
        if (drain.Receiver.Length == 0 || drain.ImageId == _image) return;
        _image = drain.ImageId;
        display.Note($"Image {drain.ImageId} goes to {drain.Receiver}, {drain.ImagesMoved} of {drain.ImagesTotal} are there.");
    }
}
