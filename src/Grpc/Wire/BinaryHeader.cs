using System.Diagnostics.CodeAnalysis;

namespace Grpc.Wire;

/// <summary>The value of a <c>-bin</c> header: base64, sent without padding and read with or without.</summary>
internal static class BinaryHeader
{
    public static string Encode(ReadOnlySpan<byte> bytes) => Convert.ToBase64String(bytes).TrimEnd('=');

    public static bool TryDecode(ReadOnlySpan<char> text, [NotNullWhen(true)] out byte[]? bytes)
    {
        bytes = null;
        var bare = text.Trim().TrimEnd('=');
        Span<char> padded = new char[(bare.Length + 3) / 4 * 4];
        bare.CopyTo(padded);
        padded[bare.Length..].Fill('=');
        var decoded = new byte[padded.Length / 4 * 3];
        if (!Convert.TryFromBase64Chars(padded, decoded, out var length))
            return false;

        bytes = length == decoded.Length ? decoded : decoded[..length];
        return true;
    }
}
