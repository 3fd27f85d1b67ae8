using Microsoft.Win32.SafeHandles;
using Sidecar.Import.Core;

namespace Sidecar.Import.Decompression.Core;

/// <summary>One way in which an image may be compressed or packed; <c>Compressions</c> has all of them.</summary>
internal abstract class Compression
{
    /// <summary>For messages and facts.</summary>
    public abstract string Name { get; }

    /// <summary>Whether these are the first bytes of it. Kinds are told by them, as Glance does.</summary>
    public abstract bool Matches(ReadOnlySpan<byte> head);

    /// <summary>The content. The file stays the caller's.</summary>
    /// <param name="start">Starts a program over the file, for what is not unpacked in this process.</param>
    /// <param name="keepOn">Called now and then while headers are read, and may throw.</param>
    /// <exception cref="ImportException">
    /// It is damaged, or of a kind that is not supported, or the program for it is not there.
    /// </exception>
    public abstract ValueTask<DecompressionReader> OpenAsync(SafeFileHandle file, StartFilter start, Action keepOn);
}
