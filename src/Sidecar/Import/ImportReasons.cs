using System.Text;

namespace Sidecar.Import;

/// <summary>
/// The stable reasons of the API: the enum's names in upper snake case, as in <c>FORMAT_MISMATCH</c>.
/// </summary>
internal static class ImportReasons
{
    private static readonly string[] Reasons = [.. Enum.GetNames<ImportError>().Select(ToUpperSnake)];

    public static string Reason(this ImportError error) => Reasons[(int)error];

    private static string ToUpperSnake(string name)
    {
        var reason = new StringBuilder();
        foreach (var letter in name)
        {
            if (char.IsUpper(letter) && reason.Length > 0) reason.Append('_');
            reason.Append(char.ToUpperInvariant(letter));
        }

        return reason.ToString();
    }
}
