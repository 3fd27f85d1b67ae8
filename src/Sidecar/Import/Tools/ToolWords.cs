namespace Sidecar.Import.Tools;

/// <summary>
/// What a program said, for the owner of the image: its own words speak of files and commands of the pod, and may hold what the
/// image says. They are for the log only.
/// </summary>
internal static class ToolWords
{
    private const string Unknown = "the image is damaged, or of a kind that it does not read";

    // The first that fits counts.
    private static readonly (string Said, string Meaning)[] Known =
    [
        ("log that needs to be replayed", "the image was not closed, and changes in its log are not in the disk yet"),
        ("Cannot allocate memory", "it would take more memory than it may"),
        ("Input/output error", "some of the image cannot be read, or is not there"),
        ("encrypt", "the image is encrypted"),
        ("orrupt", "parts of the image contradict each other"),
        ("shorter than", "the image is cut short"),
        ("too small", "the image is cut short"),
        ("too large", "a number in the image is larger than it can be"),
        ("too big", "a number in the image is larger than it can be"),
        ("nsupported", "the image needs something that it does not know"),
        ("not supported", "the image needs something that it does not know"),
    ];

    /// <summary>Half a sentence.</summary>
    public static string Translate(string said)
    {
        foreach (var (words, meaning) in Known)
        {
            if (said.Contains(words, StringComparison.Ordinal)) return meaning;
        }

        return Unknown;
    }
}
