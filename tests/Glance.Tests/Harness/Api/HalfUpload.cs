namespace Glance.Tests.Harness.Api;

/// <summary>An upload that has sent half of its bytes, and waits until it is let go on.</summary>
/// <param name="Answer">What the whole upload is answered.</param>
internal sealed record HalfUpload(string ImageId, StalledContent Content, Task<Answer> Answer) : IDisposable
{
    public void GoOn() => Content.GoOn();

    public void Dispose() => Content.Dispose();
}
