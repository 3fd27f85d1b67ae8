using Glance.Sidecar.V1;

namespace Stagectl.Progress;

/// <summary>
/// Shows how far a command is. Stages are told by name, any number of times, from one thread; a total of 0 is unknown.
/// </summary>
internal interface IProgressDisplay
{
    void Show(StageProgress stage);

    /// <summary>A sentence beside the progress, such as that a connection broke.</summary>
    void Note(string text);
}
