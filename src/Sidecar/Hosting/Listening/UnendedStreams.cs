using System.Threading.Channels;

namespace Sidecar.Hosting.Listening;

/// <summary>
/// The streams of one HTTP/2 connection that were answered ahead of their client's end, for as long as Kestrel remembers them.
/// </summary>
/// <remarks>
/// Kestrel refuses a stream (ENHANCE_YOUR_CALM) of a connection that has twice as many as may be open at once, those that it
/// remembers among them; and when it has refused about a hundred, it closes the connection, with all other calls on it. So no more
/// are answered than leave room for all that may be open, and the next one waits for its answer.
/// </remarks>
internal sealed class UnendedStreams(TimeProvider clock)
{
    /// <summary>How many there may be: less some, as Kestrel is a moment late to forget.</summary>
    public const int Most = Listeners.StreamsPerConnection - 10;

    // Five seconds, by a clock that it looks at once a second.
    private static readonly TimeSpan Remembered = TimeSpan.FromSeconds(7);

    // Each item is one of them; who writes to a full channel waits.
    private readonly Channel<bool> _places = Channel.CreateBounded<bool>(Most);

    public Task EnterAsync(CancellationToken cancellationToken) => _places.Writer.WriteAsync(true, cancellationToken).AsTask();

    /// <summary>Of one that was not answered: its client ended it.</summary>
    public void Leave() => _places.Reader.TryRead(out _);

    /// <summary>Once the handler of an answered one ends: Kestrel remembers it from now on.</summary>
    public async Task LeaveLaterAsync()
    {
        await Task.Delay(Remembered, clock);
        Leave();
    }
}
