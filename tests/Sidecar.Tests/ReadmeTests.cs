using System.Text.RegularExpressions;
using Grpc.Core;
using NUnit.Framework;
using Sidecar.Hosting;
using Sidecar.Import;
using Sidecar.Peers;
using Sidecar.Rpc;
using Sidecar.Staging;
using Sidecar.Telemetry;

namespace Sidecar.Tests;

/// <summary>What the README says of settings, errors and names is what the code has.</summary>
internal sealed class ReadmeTests
{
    private static readonly string Readme = File.ReadAllText(Path.Combine(Root(), "README.md"));

    [Test]
    public void Settings_AreThoseOfTheOptionsClasses()
    {
        var documented = Rows("settings").Select(row => (row[0].Trim('`'), row[1].Trim('`')));
        Assert.That(documented, Is.EqualTo(Settings.All.Select(setting => (setting.Key, setting.Default))));
    }

    [Test]
    public void Settings_EachRowSaysWhatIsAllowed()
    {
        var rows = Rows("settings").ToDictionary(row => row[0].Trim('`'), row => row[2]);
        foreach (var setting in Settings.All) Assert.That(rows[setting.Key], Does.Contain(setting.Allowed));
    }

    [Test]
    public void Errors_AreThoseOfTheStatusMap()
    {
        var expected = AllReasons().Select(row => $"{row.Reason} {row.Code.Reason()}").Distinct();
        var documented = Rows("errors").Select(row => $"{row[0].Trim('`')} {row[1]}");
        Assert.That(documented, Is.EquivalentTo(expected));
    }

    [Test]
    public void Reasons_OfTheSameName_HaveOneStatus()
    {
        // Clients decide by the reason.
        var codes = AllReasons().GroupBy(row => row.Reason, row => row.Code);
        foreach (var reason in codes) Assert.That(reason.Distinct().Count(), Is.EqualTo(1), reason.Key);
    }

    [Test]
    public void Files_ThatItNames_Exist()
    {
        var named = Regex.Matches(Readme, "`((?:src|protos|tests|eng|charts)/[A-Za-z0-9_./-]+)`").Select(match => match.Groups[1].Value);
        Assert.That(named, Is.Not.Empty);
        foreach (var name in named)
        {
            Assert.That(Path.Exists(Path.Combine(Root(), name.TrimEnd('/'))), Is.True, name);
        }
    }

    [Test]
    public void Section_ThatTheLogNames_Exists() =>
        Assert.That(Readme, Does.Match($"\n#+ {Regex.Escape(AuthorityEncoding.ReadmeSection)}\n"));

    private static IEnumerable<(string Reason, StatusCode Code)> AllReasons() =>
    [
        .. Enum.GetValues<StagingError>().Select(error => (error.Reason(), StatusMap.ToCode(error))),
        .. Enum.GetValues<ImportError>().Select(error => (error.Reason(), StatusMap.ToCode(error))),
        .. Enum.GetValues<PeerError>().Select(error => (error.Reason(), StatusMap.ToCode(error))),
    ];

    private static IEnumerable<string[]> Rows(string table)
    {
        var text = Regex.Match(Readme, $"<!-- {table}:.*?-->\n(.*?)<!-- end {table} -->", RegexOptions.Singleline);
        Assert.That(text.Success, Is.True, table);
        return text.Groups[1].Value.Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(2)
            .Select(row => row.Trim('|', ' ').Split('|', 3).Select(cell => cell.Trim()).ToArray())
            .Select(cells => cells.Length == 3 ? cells : [cells[0], "", cells[1]]);
    }

    private static string Root()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "Sidecar.sln"))) directory = directory.Parent;
        return directory?.FullName ?? throw new InvalidOperationException("Not below the repository.");
    }
}
