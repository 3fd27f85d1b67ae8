namespace Sidecar.Draining;

/// <summary>One peer does not take the image, or could not be brought to; the message is one sentence for a person.</summary>
internal sealed class HandOverRefusedException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>It has no place now, and may have one in a moment.</summary>
    public bool IsBusy { get; init; }
}
