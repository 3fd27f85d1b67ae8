namespace Sidecar.Stores.Writers;

/// <summary>Where the bytes of an image come from. They are read once, in order, by one thread.</summary>
internal interface IImageBytes : IDisposable
{
    /// <summary>Fills the block with what is at the offset, which is where the one before has ended.</summary>
    /// <returns>False of a hole: nothing was read then, and the block holds something else.</returns>
    bool Read(Span<byte> block, long offset);
}
