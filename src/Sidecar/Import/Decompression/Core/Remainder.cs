namespace Sidecar.Import.Decompression.Core;

/// <summary>
/// Tells bytes of others behind a complete stream, such as a signature of its maker, from a further stream that is damaged.
/// Programs leave out the one as well as the other; a disk would then be shorter than what was sent.
/// </summary>
internal static class Remainder
{
    private const int StepBytes = 64 << 10;

    /// <param name="magics">What a stream of the kind begins with.</param>
    /// <param name="keepOn">Called now and then, and may throw.</param>
    public static bool IsDamagedStream(FileWindow file, long end, IReadOnlyList<BytePattern> magics, Action keepOn)
    {
        var longest = magics.Max(magic => magic.Length);
        var head = file.Read(end, longest);
        foreach (var magic in magics)
        {
            if (magic.IsNearly(head)) return true;
        }

        for (var offset = end; offset < file.Length; offset += StepBytes)
        {
            keepOn();
            if (Holds(file.Read(offset, StepBytes + longest - 1), magics)) return true;
        }

        return false;
    }

    // A whole stream behind what is none: the beginning of what lies between was damaged.
    private static bool Holds(ReadOnlySpan<byte> bytes, IReadOnlyList<BytePattern> magics)
    {
        for (var start = 0; start < bytes.Length; start++)
        {
            foreach (var magic in magics)
            {
                if (magic.Matches(bytes[start..])) return true;
            }
        }

        return false;
    }
}
