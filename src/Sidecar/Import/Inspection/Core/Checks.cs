namespace Sidecar.Import.Inspection.Core;

/// <summary>Collects the checks that an image fails: all of them, so that a person mends it once.</summary>
internal sealed class Checks
{
    private readonly List<FailedCheck> _failed = [];

    public IReadOnlyList<FailedCheck> Failed => _failed;

    /// <summary>The image is of the format.</summary>
    public bool Recognised { get; private set; }

    /// <summary>Notes that the image is of the format, whatever the rest of it shows.</summary>
    public void Recognise() => Recognised = true;

    /// <summary>Notes a failure unless the condition holds; answers the condition.</summary>
    public bool Require(bool condition, string name, string reason)
    {
        if (!condition) _failed.Add(new FailedCheck(name, reason));
        return condition;
    }

    /// <summary>
    /// Takes a size out of a header. Above what a file offset can hold it is refused here, as it would turn negative.
    /// </summary>
    public long VirtualSize(ulong bytes, string name)
    {
        if (Require(bytes is > 0 and <= long.MaxValue, name, $"its virtual size is {bytes} bytes")) return (long)bytes;
        return 0;
    }
}
