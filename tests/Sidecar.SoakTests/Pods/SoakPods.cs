using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.SoakTests.Pods;

/// <summary>
/// The pods of a soak, each with a volume of its own; that of the last one is small. It knows which of them were disturbed
/// and when, as what a call may end with depends on that.
/// </summary>
internal sealed class SoakPods : IAsyncDisposable
{
    public const int Count = 5;

    /// <summary>Never ended before the end, so that what leaks has all the time to show.</summary>
    public const int Survivor = 0;

    public const int Small = Count - 1;

    private const long SmallBytes = 96 << 20;
    private const int Attempts = 5;

    private static readonly string[] Settings =
    [
        "--Peers:DuplicateDelay", "00:00:05", "--Peers:LocateTimeout", "00:00:03",
        "--Peers:TombstoneRetention", "00:05:00", // no pod is away for longer; an hour's would fill the small volume
        "--Staging:ReserveBytes", "4194304", "--Staging:LowWatermarkPercent", "0", "--Staging:HighWatermarkPercent", "0",
        "--Staging:ReservationStepBytes", "4194304", "--Staging:DurableIntervalBytes", "1048576",
    ];

    private readonly Cluster _cluster = Cluster.Create(
        Count, (cluster, _) => ["--Peers:AllowPlaintext", "true", .. cluster.Static()], Settings);

    private readonly long[] _changes = new long[Count]; // odd: being disturbed
    private long _drains;

    private SoakPods() => Volume = new SmallVolume(Path.GetDirectoryName(_cluster.Staging(Small))!, SmallBytes);

    public SmallVolume Volume { get; }

    /// <summary>How many drains have begun.</summary>
    public long Drains => Volatile.Read(ref _drains);

    /// <summary>Starts all of them, and waits until each can reach all others.</summary>
    public static async Task<SoakPods> StartAsync()
    {
        var pods = new SoakPods();
        try
        {
            for (var pod = 0; pod < Count; pod++) await pods.StartAsync(pod);
            await pods.AllReachableAsync();
            return pods;
        }
        catch
        {
            await pods.DisposeAsync();
            throw;
        }
    }

    /// <summary>Null while it does not run.</summary>
    public SidecarInstance? Find(int pod) => _cluster.Find(pod);

    public string Staging(int pod) => _cluster.Staging(pod);

    public IEnumerable<string> Leftovers(int pod) => _cluster.Leftovers(pod);

    public Task AllReachableAsync() => _cluster.AllReachableAsync();

    /// <summary>Changes whenever the pod begins to be disturbed, and when that is over.</summary>
    public long Changes(int pod) => Volatile.Read(ref _changes[pod]);

    /// <summary>Whether nobody has disturbed the pod since it had so many changes.</summary>
    public bool WasCalm(int pod, long changes) => changes % 2 == 0 && Changes(pod) == changes;

    /// <summary>Disturbs a pod; calls to it may go without an answer meanwhile.</summary>
    public async Task DisturbAsync(int pod, string what, Func<Task> disturbance)
    {
        Interlocked.Increment(ref _changes[pod]);
        Say(pod, what);
        await disturbance();
        Say(pod, what + " is over");
        Interlocked.Increment(ref _changes[pod]);
    }

    private static void Say(int pod, string what) => TestContext.Progress.WriteLine($"{DateTime.UtcNow:HH:mm:ss.fff} pod {pod}: {what}");

    public void DrainBegins(int pod)
    {
        Say(pod, "drain");
        Interlocked.Increment(ref _drains);
    }

    public Task KillAsync(int pod) => _cluster.KillPodAsync(pod);

    /// <returns>The exit code.</returns>
    public Task<int> TerminateAsync(int pod) => _cluster.TerminatePodAsync(pod);

    /// <summary>Starts a pod (again).</summary>
    /// <exception cref="AssertionException">It did not start, and said why or was given time enough.</exception>
    public async Task StartAsync(int pod)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                var started = await _cluster.StartPodAsync(pod);
                started.ExpectsErrors = true; // judged by what clients see
                return;
            }
            catch (AssertionException slow) when (attempt < Attempts && !SaysWhy(slow.Message))
            {
                // A machine with too much to do takes longer for a start than a test waits; it was killed then.
                Say(pod, "did not start in time, again");
            }
        }
    }

    // Its log, of which every line is JSON but what it ends with.
    private static bool SaysWhy(string log) => log.Split('\n').Skip(1).Any(line => line.Length > 0
        && (line[0] != '{' || line.Contains("\"LogLevel\":\"Error\"", StringComparison.Ordinal)
            || line.Contains("\"LogLevel\":\"Critical\"", StringComparison.Ordinal)));

    public async ValueTask DisposeAsync()
    {
        for (var pod = 0; pod < Count; pod++)
        {
            if (_cluster.Runs(pod)) await _cluster.KillPodAsync(pod);
        }

        Volume.Dispose();
        await _cluster.DisposeAsync();
    }
}
