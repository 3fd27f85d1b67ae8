using Glance.Sidecar.V1;

namespace Stagectl.Progress;

/// <summary>For --quiet.</summary>
internal sealed class SilentDisplay : IProgressDisplay
{
    public void Show(StageProgress stage)
    {
        // Nobody wants to know.
    }

    public void Note(string text)
    {
        // Nor this: what matters is in the result or in the error.
    }
}
