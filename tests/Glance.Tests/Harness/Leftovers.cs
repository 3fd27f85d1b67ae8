using System.Text.RegularExpressions;
using Glance.Tests.Harness.Api;
using Glance.Tests.Harness.Servers;
using NUnit.Framework;

namespace Glance.Tests.Harness;

/// <summary>What a test left behind: images between two states, files that belong to nothing, server errors.</summary>
internal sealed partial class Leftovers
{
    // Long enough for a thread of the package that hangs to be told of in its log.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(120);

    private readonly Site _site;
    private readonly Dictionary<object, int> _logged;

    public Leftovers(Site site)
    {
        _site = site;
        _logged = Logs().ToDictionary(log => log.Owner, log => log.Lines.Count);
    }

    /// <summary>Deletes the images that are left, and then nothing of them may be.</summary>
    public async Task AssertNoneAsync()
    {
        // What ends by itself, such as a recovery, does so within seconds.
        await Until.RightAsync(UnsettledAsync, images => images.Count == 0, Limit);
        await DeleteImagesAsync();
        await Until.RightAsync(() => Task.FromResult(Files()), files => files.Count == 0, Limit);
        Assert.That(ServerErrors(), Is.Empty, "server errors");
    }

    /// <summary>Prints what the package and the sidecars logged meanwhile: what they did is why something is left, or what they did not.</summary>
    public void Explain()
    {
        var said = LoggedSince().Where(line => line.Contains("glance_sidecar", StringComparison.Ordinal))
            .Concat(_site.Sidecars.Running.SelectMany(sidecar => sidecar.Log.TakeLast(100)));
        TestContext.Out.WriteLine(string.Join('\n', said));
    }

    /// <summary>Removes everything, so that the next test starts clean.</summary>
    public async Task RemoveAsync()
    {
        TestContext.Out.WriteLine("Left over: " + string.Join(", ", (IEnumerable<string>)[.. await UnsettledAsync(), .. Files()]));
        TestContext.Out.WriteLine("Server errors: " + string.Join('\n', ServerErrors().Concat(Faults())));
        await DeleteImagesAsync();
        foreach (var file in Files()) File.Delete(file);
    }

    private async Task DeleteImagesAsync()
    {
        using var admin = _site.At(0, ImageApi.Admin);
        foreach (var id in await QueryAsync("SELECT id FROM images WHERE deleted = 0")) await admin.DeleteAsync(id);
    }

    // Queued and active are where an image may stay, and so is uploading when its bytes are staged.
    private Task<List<string>> UnsettledAsync() => QueryAsync(
        "SELECT id, status FROM images WHERE deleted = 0 AND (status IN ('saving', 'importing')"
        + " OR (status = 'uploading' AND size IS NULL))");

    private async Task<List<string>> QueryAsync(string query) =>
        [.. (await _site.QueryAsync(query)).Split('\n', StringSplitOptions.RemoveEmptyEntries)];

    private List<string> Files() =>
    [
        .. Enumerable.Range(0, Site.Pods).Select(_site.Staging).Where(Directory.Exists)
            .SelectMany(staging => Directory.EnumerateFiles(staging, "*", SearchOption.AllDirectories)
                .Where(file => !Belongs().IsMatch(Path.GetRelativePath(staging, file)))),
        .. ((string[])[Site.Fast, Site.Slow]).SelectMany(store => Directory.EnumerateFiles(_site.Store(store))),
    ];

    private IEnumerable<string> ServerErrors() => LoggedSince().Where(line => ServerError().IsMatch(line));

    // The stack traces of glance-api, the last of them.
    private IEnumerable<string> Faults() =>
        LoggedSince().Where(line => line.Contains(" ERROR ", StringComparison.Ordinal)).TakeLast(100);

    private IEnumerable<string> LoggedSince() =>
        Logs().SelectMany(log => log.Lines.Skip(_logged.GetValueOrDefault(log.Owner)));

    private IEnumerable<(object Owner, IReadOnlyList<string> Lines)> Logs() =>
        Enumerable.Range(0, Site.Pods).Select(pod => ((object)_site[pod], _site[pod].Log))
            .Append((_site.Balancer, _site.Balancer.Log));

    // What stays in a staging directory without any image. Deletions are remembered for peers.
    [GeneratedRegex(@"^(\.sidecar/(format|lock|peers\.json|tombstones/.*)|\.glance/(recovery\.lock|workers/[^/]+/lock))$")]
    private static partial Regex Belongs();

    // 503 and 504 are documented answers. The request's line, in the logs of gunicorn and of haproxy.
    [GeneratedRegex(@"HTTP/1\.[01]"" 5(?!03|04)\d\d |/glance-\d [\d/+-]+ 5(?!03|04)\d\d ")]
    private static partial Regex ServerError();
}
