namespace Sidecar.Import.Inspection.Core;

/// <summary>
/// One image format: tells whether an image is of it and runs its safety checks. One file per format, registered in
/// <see cref="ImageInspector"/>. Every number in an image is the sender's: bounded reads only, nothing is followed.
/// </summary>
internal abstract class ImageFormat
{
    /// <summary>Glance's name of the format.</summary>
    public abstract string Name { get; }

    public FormatVerdict Inspect(ImageBytes bytes)
    {
        var checks = new Checks();
        try
        {
            return Inspect(bytes, checks);
        }
        catch (BytesPendingException pending)
        {
            return FormatVerdict.Pending(pending.NeededBytes, checks);
        }
    }

    /// <param name="checks">Filled as the bytes are read: what it holds counts even when more bytes are needed.</param>
    protected abstract FormatVerdict Inspect(ImageBytes bytes, Checks checks);
}
