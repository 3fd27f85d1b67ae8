namespace Sidecar.SoakTests.Ledger;

/// <summary>What was promised of an image.</summary>
internal enum Promise
{
    /// <summary>Nothing: no call about it was ever finished by its sender. There must be no image.</summary>
    NotFinished,

    /// <summary>A call that would stage it was not answered. It may be there, with its own bytes.</summary>
    MaybeStaged,

    /// <summary>A call said that it is staged.</summary>
    Staged,

    /// <summary>A call that would delete it was not answered.</summary>
    MaybeDeleted,

    /// <summary>A call said that it is deleted.</summary>
    Deleted,
}

/// <summary>One image, from its first byte until it is deleted, with what was promised of it. One client alone deals with it.</summary>
/// <param name="seed">Of its content.</param>
/// <param name="drains">How many drains have begun.</param>
internal sealed class Life(string id, int home, int seed, long drains)
{
    private ImageContent? _content;
    private string _size = "unknown size";

    public string Id { get; } = id;

    /// <summary>The pod at which it is staged; a client that gets no answer tries again there.</summary>
    public int Home { get; } = home;

    /// <summary>Made when it is needed, the same each time.</summary>
    public ImageContent Content => _content ??= Create();

    public Promise Promise { get; private set; } = Promise.NotFinished;

    /// <summary>Which call promised it.</summary>
    public string By { get; private set; } = "nobody";

    /// <summary>Some of its bytes may have been sent.</summary>
    public bool WasBegun { get; set; }

    /// <summary>The most bytes that the sidecar said to have received of it.</summary>
    public ulong Received { get; set; }

    /// <summary>The import of it that runs, may run, or has succeeded.</summary>
    public string? ImportId { get; set; }

    public bool IsImported { get; set; }

    /// <summary>
    /// An output of it may lie on a pod that was asked for it; where its import is released through another pod it stays there
    /// until the image is deleted.
    /// </summary>
    public bool WasBrought { get; set; }

    /// <summary>Another import of it may be left, that was not answered for.</summary>
    public bool HasOtherImports { get; set; }

    /// <summary>How many drains had begun when it began: one takes imports away, and may leave the image on two pods for a while.</summary>
    public long DrainsAtStart { get; } = drains;

    /// <summary>
    /// A call that stages it was given up by its client without an answer, and may still take effect after a later call:
    /// it lies in the socket of a process that stands still.
    /// </summary>
    public bool MayReturn { get; set; }

    /// <summary>Peers still have to be told of its deletion.</summary>
    public bool IsPending { get; set; }

    public void Now(Promise promise, string by) => (Promise, By) = (promise, $"{by} at {DateTime.UtcNow:HH:mm:ss.fff}");

    /// <summary>Lets go of the content, until it is asked for: a soak has more images than memory.</summary>
    public void Forget() => _content = null;

    public override string ToString() =>
        $"image {Id} of {_size} (home {Home}) is {Promise}, by {By}{(MayReturn ? ", may return" : "")}";

    private ImageContent Create()
    {
        var content = ImageContent.Create(new Random(seed));
        _size = $"{content.Bytes.Length} bytes of {content.DiskFormat}";
        return content;
    }
}
