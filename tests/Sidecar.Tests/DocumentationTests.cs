using System.Text.RegularExpressions;
using Grpc.Core;
using NUnit.Framework;
using Sidecar.Downloads.Core;
using Sidecar.Hosting.Configuration;
using Sidecar.Hosting.Listening;
using Sidecar.Import.Core;
using Sidecar.Peers.Core;
using Sidecar.Rpc.Statuses;
using Sidecar.Staging.Core;
using Sidecar.Stores.Core;
using Sidecar.Telemetry;

namespace Sidecar.Tests;

/// <summary>What the documentation says of settings, errors and files is what the repository has.</summary>
internal sealed partial class DocumentationTests
{
    private const string Configuration = "docs/configuration.md";
    private const string Api = "docs/api.md";

    private static readonly string[] Pages =
    [
        .. new[] { ".", "docs", "charts/glance-staging-sidecar", "src/glance-plugin" }
            .SelectMany(directory => Directory.GetFiles(Path.Combine(Root(), directory), "*.md"))
            .Select(page => Path.GetRelativePath(Root(), page)),
    ];

    [Test]
    public void Settings_AreThoseOfTheOptionsClasses()
    {
        var documented = Rows(Configuration, "settings").Select(row => (row[0].Trim('`'), row[1].Trim('`')));
        Assert.That(documented, Is.EqualTo(Settings.All.Select(setting => (setting.Key, setting.Default))));
    }

    [Test]
    public void Settings_EachRowSaysWhatIsAllowed()
    {
        var rows = Rows(Configuration, "settings").ToDictionary(row => row[0].Trim('`'), row => row[2]);
        foreach (var setting in Settings.All) Assert.That(rows[setting.Key], Does.Contain(setting.Allowed));
    }

    [Test]
    public void Errors_AreThoseOfTheStatusMap()
    {
        var expected = AllReasons().Select(row => $"{row.Reason} {row.Code.Reason()}").Distinct();
        var documented = Rows(Api, "errors").Select(row => $"{row[0].Trim('`')} {row[1]}");
        Assert.That(documented, Is.EquivalentTo(expected));
    }

    [Test]
    public void Reasons_OfTheSameName_HaveOneStatus()
    {
        // Clients decide by the reason.
        var codes = AllReasons().GroupBy(row => row.Reason, row => row.Code);
        foreach (var reason in codes) Assert.That(reason.Distinct().Count(), Is.EqualTo(1), reason.Key);
    }

    [TestCaseSource(nameof(Pages))]
    public void Files_ThatAPageNames_Exist(string page)
    {
        foreach (var name in NamedFile().Matches(Read(page)).Select(match => match.Groups[1].Value))
        {
            Assert.That(Path.Exists(Path.Combine(Root(), name.TrimEnd('/'))), Is.True, name);
        }
    }

    [TestCaseSource(nameof(Pages))]
    public void Links_OfAPage_LeadSomewhere(string page)
    {
        foreach (var (file, section) in Link().Matches(Read(page)).Select(match => (match.Groups[1].Value, match.Groups[2].Value)))
        {
            var target = file.Length == 0 ? page : Path.Combine(Path.GetDirectoryName(page)!, file);
            Assert.That(Path.Exists(Path.Combine(Root(), target)), Is.True, target);
            if (section.Length > 0) Assert.That(Anchors(target), Does.Contain(section), target);
        }
    }

    [Test]
    public void Section_ThatTheLogNames_Exists()
    {
        Assert.That(AuthorityEncoding.DocumentedIn, Does.StartWith(Api + "#"));
        Assert.That(Anchors(Api), Does.Contain(AuthorityEncoding.DocumentedIn.Split('#')[1]));
    }

    [Test]
    public void Numbers_OfTheReadme_StandInPerformance()
    {
        var numbers = Read("README.md").Split("## Numbers")[1].Split("\n## ")[0].Split('\n')
            .Select(line => Ratio().Match(line)).Where(match => match.Success).Select(match => match.Groups[1].Value).ToList();
        var performance = Read("docs/performance.md");
        Assert.That(numbers, Is.Not.Empty);
        foreach (var number in numbers) Assert.That(performance, Does.Match($@"(?<![\d.]){Regex.Escape(number)}(?![\d.]*\d)"));
    }

    [Test]
    public void Pages_AreAllNamedInTheReadme()
    {
        foreach (var page in Pages.Where(page => page.StartsWith("docs/", StringComparison.Ordinal)))
        {
            Assert.That(Read("README.md"), Does.Contain($"({page})"));
        }
    }

    private static IEnumerable<(string Reason, StatusCode Code)> AllReasons() =>
    [
        .. Enum.GetValues<StagingError>().Select(error => (error.Reason(), StatusMap.ToCode(error))),
        .. Enum.GetValues<ImportError>().Select(error => (error.Reason(), StatusMap.ToCode(error))),
        .. Enum.GetValues<PeerError>().Select(error => (error.Reason(), StatusMap.ToCode(error))),
        // It shares the reason for what can never be right with the others.
        .. Enum.GetValues<StoreError>().Where(error => error != StoreError.InvalidRequest)
            .Select(error => (error.Reason(), StatusMap.ToCode(error))),
        .. Enum.GetValues<DownloadError>().Select(error => (error.Reason(), StatusMap.ToCode(error))),
    ];

    private static IEnumerable<string[]> Rows(string page, string table)
    {
        var text = Regex.Match(Read(page), $"<!-- {table}:.*?-->\n(.*?)<!-- end {table} -->", RegexOptions.Singleline);
        Assert.That(text.Success, Is.True, table);
        return text.Groups[1].Value.Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(2)
            .Select(row => row.Trim('|', ' ').Split('|', 3).Select(cell => cell.Trim()).ToArray())
            .Select(cells => cells.Length == 3 ? cells : [cells[0], "", cells[1]]);
    }

    private static string Read(string page) => File.ReadAllText(Path.Combine(Root(), page));

    // As the common hosts of Markdown make them: lower case, no punctuation, hyphens for spaces.
    private static IEnumerable<string> Anchors(string page) => Heading().Matches(Read(page))
        .Select(match => Punctuation().Replace(match.Groups[1].Value.ToLowerInvariant(), "").Replace(' ', '-'));

    [GeneratedRegex("`((?:src|protos|tests|eng|charts|docs)/[A-Za-z0-9_./-]+)`")]
    private static partial Regex NamedFile();

    [GeneratedRegex(@"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")]
    private static partial Regex Link();

    [GeneratedRegex("^#+ (.+)$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"[^\w\- ]")]
    private static partial Regex Punctuation();

    [GeneratedRegex(@"\| (\d+\.\d+) \|$")]
    private static partial Regex Ratio();

    private static string Root()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "Sidecar.sln"))) directory = directory.Parent;
        return directory?.FullName ?? throw new InvalidOperationException("Not below the repository.");
    }
}
