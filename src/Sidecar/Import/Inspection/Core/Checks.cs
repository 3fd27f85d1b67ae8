namespace Sidecar.Import.Inspection.Core;

/// <summary>Collects the checks that an image fails: all of them, so that a person mends it once.</summary>
internal sealed class Checks
{
    private readonly List<FailedCheck> _failed = [];
    private readonly List<FailedCheck> _obstacles = [];

    public IReadOnlyList<FailedCheck> Failed => _failed;

    /// <summary>What forbids to convert the image, though it may be used as it is.</summary>
    public IReadOnlyList<FailedCheck> Obstacles => _obstacles;

    /// <summary>The image is of the format.</summary>
    public bool Recognised { get; private set; }

    /// <summary>The kind within the format; empty where there is one kind only.</summary>
    public string Subformat { get; set; } = "";

    /// <summary>Notes that the image is of the format, whatever the rest of it shows.</summary>
    public void Recognise() => Recognised = true;

    /// <summary>Notes a failure unless the condition holds; answers the condition.</summary>
    public bool Require(bool condition, string name, string reason)
    {
        if (!condition) _failed.Add(new FailedCheck(name, reason));
        return condition;
    }

    /// <summary>Notes what forbids to convert the image, unless the condition holds.</summary>
    public void RequireToConvert(bool condition, string name, string reason)
    {
        if (!condition) _obstacles.Add(new FailedCheck(name, reason));
    }

    /// <summary>
    /// Takes a size out of a header. Above what a file offset can hold it is refused here, as it would turn negative.
    /// </summary>
    /// <param name="least">1 where nothing stands for a size that was not found.</param>
    public long VirtualSize(ulong bytes, string name, ulong least = 0)
    {
        var isSize = Require(bytes >= least && bytes <= long.MaxValue, name, $"its virtual size is {bytes} bytes");
        return isSize ? (long)bytes : 0;
    }
}
