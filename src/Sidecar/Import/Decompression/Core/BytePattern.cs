namespace Sidecar.Import.Decompression.Core;

/// <summary>The bytes that a kind of file begins with.</summary>
/// <param name="digits">In hexadecimal; ?? stands for any byte.</param>
internal sealed class BytePattern(string digits)
{
    private readonly byte?[] _bytes = [.. digits.Split(' ').Select(Parse)];

    public int Length => _bytes.Length;

    public bool Matches(ReadOnlySpan<byte> head) => head.Length >= Length && Differences(head) == 0;

    /// <summary>Whether this is such a beginning with one byte that is damaged, or a beginning that was cut short.</summary>
    public bool IsNearly(ReadOnlySpan<byte> head) =>
        !head.IsEmpty && Differences(head) <= (head.Length >= Length ? 1 : 0);

    private int Differences(ReadOnlySpan<byte> head)
    {
        var count = 0;
        for (var i = 0; i < Math.Min(Length, head.Length); i++)
        {
            if (_bytes[i] is { } expected && head[i] != expected) count++;
        }

        return count;
    }

    private static byte? Parse(string digits) => digits == "??" ? null : Convert.FromHexString(digits)[0];
}
