using System.Net;
using System.Text;
using System.Text.RegularExpressions;

namespace Stagectl.Ingest;

/// <summary>The sentence of an error page: Glance is asked for plain text, and proxies answer in HTML.</summary>
internal static partial class AnswerText
{
    private const int LongestText = 600;

    public static string Of(byte[] body, string contentType)
    {
        var text = Encoding.UTF8.GetString(body);
        if (contentType.Contains("html", StringComparison.OrdinalIgnoreCase))
        {
            text = WebUtility.HtmlDecode(Tag().Replace(Heading().Replace(text, " "), " "));
        }

        text = Space().Replace(StatusLine().Replace(text, ""), " ").Trim();
        return text.Length <= LongestText ? text : text[..LongestText] + "...";
    }

    // They only repeat the status.
    [GeneratedRegex("<(title|h1)>.*?</\\1>", RegexOptions.IgnoreCase | RegexOptions.Singleline)]
    private static partial Regex Heading();

    [GeneratedRegex("<[^>]*>")]
    private static partial Regex Tag();

    [GeneratedRegex(@"\A\s*\d{3} [\w ]+\n")]
    private static partial Regex StatusLine();

    // What a terminal would act upon, too.
    [GeneratedRegex(@"[\s\p{Cc}]+")]
    private static partial Regex Space();
}
