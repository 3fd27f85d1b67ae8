using System.Diagnostics.CodeAnalysis;

namespace Sidecar.Staging.Core;

/// <summary>
/// The UUID that names an image, in Glance's canonical form: 36 characters, lower case. Nothing else can be turned
/// into one, so a path that is built from it cannot leave its directory.
/// </summary>
internal readonly record struct ImageId
{
    private const int TextLength = 36;

    private readonly string? _text;

    private ImageId(string text) => _text = text;

    /// <summary>Accepts the hyphenated form in either case; answers false for anything else.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out ImageId id) => TryParse(text, text, out id);

    /// <summary>Accepts the hyphenated form in either case; answers false for anything else.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out ImageId id) => TryParse(text, null, out id);

    // The same text as a string, where there is one, is taken as it is: hundreds of thousands are parsed at a start.
    private static bool TryParse(ReadOnlySpan<char> text, string? same, out ImageId id)
    {
        id = default;
        // The length is checked because Guid forgives white space around the text.
        if (text.Length != TextLength || !Guid.TryParseExact(text, "D", out var guid)) return false;
        Span<char> canonical = stackalloc char[TextLength];
        guid.TryFormat(canonical, out _, "D");
        id = new ImageId(same is not null && canonical.SequenceEqual(text) ? same : new string(canonical));
        return true;
    }

    /// <exception cref="StagingException"><see cref="StagingError.InvalidImageId"/>.</exception>
    public static ImageId Parse(string? text) =>
        TryParse(text, out var id)
            ? id
            : throw new StagingException(
                StagingError.InvalidImageId,
                $"'{Shorten(text)}' is not an image id: give a UUID such as 7f4a2a9e-5a0c-4d0f-9d3b-0f6a1c2b3d4e.");

    public static ImageId New() => new(Guid.NewGuid().ToString("D"));

    public override string ToString() => _text ?? throw new InvalidOperationException("The image id was never set.");

    // The text comes from outside: keep the error short, and without characters that could forge a log line.
    private static string Shorten(string? text) =>
        new([.. (text ?? "").Take(64).Select(c => char.IsControl(c) ? '?' : c)]);
}
