namespace Sidecar.SoakTests.Clients;

/// <summary>What a call ended with: a value, a refusal, or neither, because somebody disturbed the pod that was asked.</summary>
internal readonly record struct Answer<T>(T? Value, bool IsGiven, string? Reason)
{
    /// <summary>What became of it is not known.</summary>
    public bool IsLost => !IsGiven && Reason is null;

    public bool Is(string reason) => Reason == reason;
}
